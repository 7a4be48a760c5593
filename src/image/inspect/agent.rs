//! The replication agent on an image: what its archive holds, and what the manifest says of it.

use crate::agent::{self, AgentBundle};
use crate::digest::Sha256;
use crate::facts::Fact;
use crate::facts::image::BundledAgentFacts;
use crate::image::manifest::{AgentRecord, Manifest};
use crate::installer::disc_layout;
use crate::iso::Medium;

/// Reads the facts, and the archive's digest, which was taken on the way.
pub fn facts(
    medium: &Medium,
    manifest: &Result<Manifest, String>,
) -> (BundledAgentFacts, Option<(String, Sha256)>) {
    let record = manifest.as_ref().ok().and_then(|manifest| manifest.agent.as_ref());
    let path = record.map_or_else(|| disc_layout::AGENT.to_owned(), |record| record.path.clone());
    let Ok(map) = medium.file_map(&path) else { return (missing_agent(manifest, record), None) };
    // On the disc every agent has the same name; the one it came with is in the manifest.
    let name = record.map_or("", |record| record.name.as_str());
    let bundle = agent::inspect(map.reader(), name);
    let noted = bundle.as_ref().ok().map(|bundle| (path, bundle.sha256));
    (from_bundle(&bundle.map_err(|error| error.to_string()), manifest), noted)
}

fn missing_agent(
    manifest: &Result<Manifest, String>,
    record: Option<&AgentRecord>,
) -> BundledAgentFacts {
    let why = match record {
        Some(record) => format!("/{} is missing from the image", record.path),
        None => "no agent is on the image".to_owned(),
    };
    let none = || Fact::unavailable(why.clone());
    BundledAgentFacts {
        present: false,
        standin: Fact::unavailable(why.clone()),
        name: none(),
        name_recognised: Fact::unavailable(why.clone()),
        distribution: none(),
        wanted_distribution: wanted_distribution(manifest),
        version: none(),
        complete: Fact::unavailable(why.clone()),
        pinned: Fact::unavailable(why),
    }
}

fn from_bundle(
    bundle: &Result<AgentBundle, String>,
    manifest: &Result<Manifest, String>,
) -> BundledAgentFacts {
    let unread = |why: &String| why.clone();
    let record = manifest
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|manifest| manifest.agent.as_ref().ok_or("the manifest names none".to_owned()));
    let identity = bundle.as_ref().map_err(unread).and_then(|bundle| {
        bundle.identity.clone().ok_or_else(|| "neither name nor content tells it".to_owned())
    });
    BundledAgentFacts {
        present: true,
        standin: Fact::from(bundle.as_ref().map(|bundle| bundle.standin)),
        name: Fact::from(record.clone().map(|record| record.name.clone())),
        name_recognised: Fact::from(bundle.as_ref().map(AgentBundle::name_recognised)),
        distribution: Fact::from(identity.clone().map(|identity| identity.distribution)),
        wanted_distribution: wanted_distribution(manifest),
        version: Fact::from(identity.map(|identity| identity.version.to_string())),
        // An archive without its two programs is refused when it is inspected.
        complete: Fact::from(bundle.as_ref().map(|_| true)),
        pinned: Fact::from(record.map(|record| record.pinned)),
    }
}

fn wanted_distribution(manifest: &Result<Manifest, String>) -> Fact<String> {
    match manifest {
        Ok(Manifest { agent: Some(agent), .. }) => Fact::Known(agent.wanted_distribution.clone()),
        Ok(_) => Fact::unavailable("the manifest names no agent"),
        Err(why) => Fact::unavailable(why.clone()),
    }
}
