//! Whether Azure's own Linux agent is on a host. In a machine that has come back from Azure it
//! waits for a service that only Azure has (field).

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::guest::packages::PackageFacts;
use crate::facts::guest::processes::ProcessFacts;
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Fact, file};

const AZURE_AGENT: ProbeName = ProbeName::new("azure-agent");

/// Its program, wherever it came from.
pub const PROBES: &[Probe] = &[Probe::new(
    AZURE_AGENT,
    "for f in /usr/sbin/waagent /usr/bin/waagent /usr/local/sbin/waagent; do\n  \
     [ -e $f ] && echo $f\ndone\nexit 0",
)];

/// Whether Azure's own agent is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AzureAgentFacts {
    /// Whether anything of it is.
    pub present: Fact<bool>,
    /// What was seen of it, as a phrase.
    pub seen: String,
}

/// Reads it out of a transcript, the packages and the processes of the same host.
///
/// One trace of it is enough; without any, all three must have been looked for.
pub fn from_transcript(
    transcript: &Transcript,
    packages: &Fact<PackageFacts>,
    processes: &Fact<ProcessFacts>,
) -> AzureAgentFacts {
    let program = file::complete_text(transcript, AZURE_AGENT).map(|text| !text.trim().is_empty());
    let package = packages.value().and_then(|packages| packages.azure_agent.value().copied());
    let process = processes.value().and_then(|processes| processes.azure_agent.value().copied());
    let traces = [("program", program), ("package", package), ("process", process)];
    let seen: Vec<&str> =
        traces.iter().filter(|(_, trace)| *trace == Ok(true)).map(|(name, _)| *name).collect();
    let unread = traces.iter().find_map(|(_, trace)| trace.clone().err());
    let present = match (seen.is_empty(), unread) {
        (false, _) => Ok(true),
        (true, Some(why)) => Err(why),
        (true, None) => Ok(false),
    };
    AzureAgentFacts {
        present: present.into(),
        seen: if seen.is_empty() { "nothing".to_owned() } else { seen.join(", ") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::tests::guest_transcript;
    use crate::facts::guest::{packages, processes};

    #[test]
    fn one_trace_is_enough_and_none_must_be_unread() {
        let rpm = "manager rpm\nbash 4.1.2 29.el6 x86_64\npackage WALinuxAgent is not installed\n\
                   package python-azure-agent is not installed\n";
        let with = "manager rpm\nbash 4.1.2 29.el6 x86_64\nWALinuxAgent 2.2.45 1.el6 noarch\n";
        let init = "1 (init) S\n";
        for (program, package, process, present, seen) in [
            ("", rpm, init, Some(false), "nothing"),
            ("/usr/sbin/waagent\n", rpm, init, Some(true), "program"),
            ("", with, init, Some(true), "package"),
            ("", rpm, "1 (init) S\n9 (waagent) S\n", Some(true), "process"),
            ("", with, "", Some(true), "package"),
            ("", "", init, None, "nothing"),
            ("", rpm, "", None, "nothing"),
        ] {
            let transcript = guest_transcript(&[("azure-agent", 0, program)]);
            let processes = Fact::Known(processes::parse(process));
            let packages = packages::parse(package).into();
            let facts = from_transcript(&transcript, &packages, &processes);
            assert_eq!(facts.present.known().copied(), present, "{program}{package}{process}");
            assert_eq!(facts.seen, seen);
        }
    }
}
