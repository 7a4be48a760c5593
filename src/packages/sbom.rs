//! What was added to an image, as a CycloneDX 1.5 bill of materials: packages, the agent, and the
//! files that were made for it.
//!
//! Not for what the vendor's medium holds, of which it says that it is left out. The same plan
//! gives the same text; validated in tests against the format's own schema.

use serde::Serialize;

use super::deb::DebFile;
use super::repository::RpmPackage;
use crate::digest::Sha256;

/// The version of the format: what the readers of today know best.
const SPEC_VERSION: &str = "1.5";
/// Who the names of packages are registered with; ELRepo has no name of its own there.
const NAMESPACE: &str = "centos";

/// Fedora's short names of licences, as el6 writes them, with SPDX's.
const LICENCES: [(&str, &str); 14] = [
    ("ASL 2.0", "Apache-2.0"),
    ("GPLv2", "GPL-2.0-only"),
    ("GPLv2+", "GPL-2.0-or-later"),
    ("GPLv3", "GPL-3.0-only"),
    ("GPLv3+", "GPL-3.0-or-later"),
    ("ISC", "ISC"),
    ("LGPLv2", "LGPL-2.0-only"),
    ("LGPLv2+", "LGPL-2.0-or-later"),
    ("LGPLv3", "LGPL-3.0-only"),
    ("LGPLv3+", "LGPL-3.0-or-later"),
    ("MIT", "MIT"),
    ("MPLv1.1", "MPL-1.1"),
    ("MPLv2.0", "MPL-2.0"),
    ("zlib", "Zlib"),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u8,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    compositions: Vec<Composition>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Component,
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    bom_ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Supplier>,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenceChoice>,
    #[serde(skip_serializing_if = "String::is_empty")]
    purl: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Supplier {
    name: String,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: Sha256,
}

#[derive(Serialize)]
struct LicenceChoice {
    license: Licence,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Licence {
    Id(&'static str),
    Name(String),
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    component: String,
    depends_on: Vec<String>,
}

#[derive(Serialize)]
struct Composition {
    aggregate: &'static str,
    assemblies: Vec<String>,
}

/// What a bill of materials is made of.
#[derive(Clone, Debug)]
pub struct SbomRequest<'a> {
    /// Name and version of the program that makes it.
    pub tool: [&'a str; 2],
    /// The name of the image's recipe.
    pub name: &'a str,
    /// What the image is, in a sentence.
    pub description: &'a str,
    /// The digest of the plan that the image is made from.
    pub plan_sha256: Sha256,
    /// The profile's name, which names the distribution.
    pub profile: &'a str,
    /// The volume id of the vendor's medium; absent without one.
    pub base_volume_id: Option<String>,
    /// Seconds since 1970.
    pub epoch: u64,
    /// The packages that were added.
    pub packages: &'a [RpmPackage],
    /// The Debian packages that were added.
    pub debs: &'a [DebFile],
    /// The directory on the disc that holds them.
    pub package_directory: &'a str,
    /// The other files that were added, in the order of the list.
    pub files: Vec<SbomFile<'a>>,
}

/// A file that was added and is no package.
#[derive(Clone, Debug)]
pub struct SbomFile<'a> {
    /// Its path on the disc.
    pub path: &'a str,
    /// Its digest.
    pub sha256: Sha256,
    /// The program that it is; absent for a file that was made for the image.
    pub application: Option<Application<'a>>,
}

/// A program among the files.
#[derive(Clone, Debug)]
pub struct Application<'a> {
    /// The name it was given under.
    pub name: &'a str,
    /// Its version; empty when nothing says it.
    pub version: &'a str,
    /// What it is, in a sentence.
    pub description: &'a str,
}

/// Renders a bill of materials as JSON.
///
/// It lies in the image, so it does not name the image's digest; the manifest beside it does.
///
/// # Panics
///
/// Never: it serialises.
pub fn render(request: &SbomRequest<'_>) -> String {
    let root = format!("image:{}", request.plan_sha256);
    let packages = request.packages.iter().map(|package| package_component(request, package));
    let debs = request.debs.iter().map(|file| deb_component(request, file));
    let components: Vec<Component> =
        packages.chain(debs).chain(request.files.iter().map(file_component)).collect();
    let refs = components.iter().map(|component| component.bom_ref.clone()).collect();
    let mut properties = vec![
        property("preflight:plan-sha256", request.plan_sha256.to_string()),
        property("preflight:profile", request.profile.to_owned()),
    ];
    if let Some(volume_id) = &request.base_volume_id {
        properties.push(property("preflight:base-volume-id", volume_id.clone()));
    }
    let [tool, version] = request.tool.map(str::to_owned);
    let bom = Bom {
        bom_format: "CycloneDX",
        spec_version: SPEC_VERSION,
        serial_number: serial_number(request.plan_sha256),
        version: 1,
        metadata: Metadata {
            timestamp: timestamp(request.epoch),
            tools: Tools {
                components: vec![Component {
                    kind: "application",
                    name: tool,
                    version,
                    ..Component::default()
                }],
            },
            component: Component {
                kind: "file",
                bom_ref: root.clone(),
                name: request.name.to_owned(),
                version: request.plan_sha256.to_string(),
                description: request.description.to_owned(),
                ..Component::default()
            },
            properties,
        },
        components,
        dependencies: vec![Dependency { component: root.clone(), depends_on: refs }],
        // What the vendor's medium holds is not listed, and this says so.
        compositions: vec![Composition { aggregate: "incomplete", assemblies: vec![root] }],
    };
    let mut text = serde_json::to_string_pretty(&bom).expect("a bill of materials serialises");
    text.push('\n');
    text
}

/// A name that follows from the plan: the same plan, the same name.
fn serial_number(plan: Sha256) -> String {
    let hex = Sha256::hash(format!("preflight bill of materials {plan}")).to_string();
    // RFC 9562: version 8 is the maker's own way, variant binary 10.
    let variant = ["8", "9", "a", "b"][usize::from(hex.as_bytes()[16]) % 4];
    format!(
        "urn:uuid:{}-{}-8{}-{variant}{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}

fn timestamp(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.unwrap_or_default().to_string()
}

fn package_component(request: &SbomRequest<'_>, package: &RpmPackage) -> Component {
    let metadata = package.metadata();
    let purl = purl(package, request.profile);
    let vendor = metadata.rpm_vendor();
    let epoch = if package.epoch == 0 { String::new() } else { format!("{}:", package.epoch) };
    let mut properties = vec![
        property("preflight:path", format!("/{}/{}", request.package_directory, package.location)),
        property("preflight:nevra", package.nevra()),
        property("preflight:signature", package.signature_status.to_string()),
    ];
    if !metadata.rpm_sourcerpm().is_empty() {
        properties.push(property("preflight:source-rpm", metadata.rpm_sourcerpm().to_owned()));
    }
    Component {
        kind: "library",
        bom_ref: purl.clone(),
        supplier: (!vendor.is_empty()).then(|| Supplier { name: vendor.to_owned() }),
        name: package.name.clone(),
        version: format!("{epoch}{}-{}", package.version, package.release),
        description: metadata.summary().to_owned(),
        hashes: sha256(package.sha256),
        licenses: licences(metadata.rpm_license()),
        purl,
        properties,
    }
}

fn deb_component(request: &SbomRequest<'_>, file: &DebFile) -> Component {
    let own = &file.package;
    let purl = format!(
        "pkg:deb/ubuntu/{}@{}?arch={}&distro={}",
        percent_encode(&own.name),
        percent_encode(own.version.as_str()),
        own.architecture,
        percent_encode(request.profile),
    );
    let mut properties = vec![
        property("preflight:path", format!("/{}/{}", request.package_directory, file.location)),
        property("preflight:signature", file.trust.to_string()),
    ];
    if let Some(source) = file.field("Source") {
        properties.push(property("preflight:source-deb", source.to_owned()));
    }
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    Component {
        kind: "library",
        bom_ref: purl.clone(),
        supplier: file.field("Maintainer").map(|name| Supplier { name: name.to_owned() }),
        name: own.name.clone(),
        version: own.version.to_string(),
        description: file.field("Description").map(first_line).unwrap_or_default(),
        hashes: sha256(file.sha256),
        purl,
        properties,
        ..Component::default()
    }
}

/// A package's URL: what scanners look vulnerabilities up by.
fn purl(package: &RpmPackage, distribution: &str) -> String {
    let version = format!("{}-{}", package.version, package.release);
    let epoch = match package.epoch {
        0 => String::new(),
        epoch => format!("&epoch={epoch}"),
    };
    format!(
        "pkg:rpm/{NAMESPACE}/{}@{}?arch={}&distro={}{epoch}",
        percent_encode(&package.name),
        percent_encode(&version),
        package.arch,
        percent_encode(distribution),
    )
}

/// Percent-encoded as a purl wants it.
fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn licences(text: &str) -> Vec<LicenceChoice> {
    if text.is_empty() {
        return Vec::new();
    }
    let known = LICENCES.iter().find(|(name, _)| *name == text);
    let licence = known.map_or_else(|| Licence::Name(text.to_owned()), |(_, id)| Licence::Id(id));
    vec![LicenceChoice { license: licence }]
}

fn file_component(file: &SbomFile<'_>) -> Component {
    let component = Component {
        kind: "file",
        bom_ref: format!("file:{}", file.path),
        name: file.path.to_owned(),
        hashes: sha256(file.sha256),
        properties: vec![property("preflight:path", format!("/{}", file.path))],
        ..Component::default()
    };
    match &file.application {
        None => component,
        Some(application) => Component {
            kind: "application",
            name: application.name.to_owned(),
            version: application.version.to_owned(),
            description: application.description.to_owned(),
            ..component
        },
    }
}

fn sha256(content: Sha256) -> Vec<Hash> {
    vec![Hash { alg: "SHA-256", content }]
}

fn property(name: &'static str, value: String) -> Property {
    Property { name, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_as_a_purl_wants_them() {
        assert_eq!(percent_encode("gcc-c++"), "gcc-c%2B%2B");
        assert_eq!(percent_encode("1.0~rc1^git"), "1.0~rc1%5Egit");
    }

    #[test]
    fn a_serial_number_follows_from_the_plan_and_is_a_uuid() {
        let number = serial_number(Sha256::hash("plan"));
        assert_eq!(number, serial_number(Sha256::hash("plan")));
        assert_ne!(number, serial_number(Sha256::hash("another")));
        let form =
            r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";
        assert!(regex::Regex::new(form).unwrap().is_match(&number), "{number}");
    }

    #[test]
    fn known_licences_get_their_id_and_others_keep_their_name() {
        let json = |text| serde_json::to_string(&licences(text)).unwrap();
        assert_eq!(json("GPLv2+"), r#"[{"license":{"id":"GPL-2.0-or-later"}}]"#);
        assert_eq!(json("Public Domain"), r#"[{"license":{"name":"Public Domain"}}]"#);
        assert_eq!(json(""), "[]");
    }

    #[test]
    fn the_timestamp_is_the_plans() {
        assert_eq!(timestamp(1_490_572_800), "2017-03-27T00:00:00Z");
    }
}
