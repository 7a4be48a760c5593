//! Repository metadata for the packages on a disc. The same packages and epoch give the same bytes.
//!
//! Not for a vendor's repository, which is never changed: its groups define the installation.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use rpmrepo_metadata::utils::create_xml_writer;
use rpmrepo_metadata::{
    Checksum, FilelistsXml, MetadataError, OtherXml, Package, PrimaryXml, RepomdData, RepomdRecord,
    RepomdXml,
};

use super::error::RepositoryError;
use super::package::RpmPackage;
use crate::digest::Sha256;

/// Returns the files below a repository's `repodata`, by their paths from the repository's top.
///
/// They are compressed with gzip: yum 3.2.29 of el6 reads neither zstd nor xz metadata. All digests
/// are sha256. All times are `epoch`, and so is the revision.
///
/// # Errors
///
/// Fails when a package has a name or dependency that XML cannot represent.
pub fn repodata(
    packages: &[RpmPackage],
    epoch: u64,
) -> Result<Vec<(String, Vec<u8>)>, RepositoryError> {
    let mut primary = PrimaryXml::new_writer(create_xml_writer(Vec::new()));
    let mut filelists = FilelistsXml::new_writer(create_xml_writer(Vec::new()));
    let mut other = OtherXml::new_writer(create_xml_writer(Vec::new()));
    let whole = |source| RepositoryError::Write("the repository".to_owned(), source);
    primary.write_header(packages.len()).map_err(whole)?;
    filelists.write_header(packages.len()).map_err(whole)?;
    other.write_header(packages.len()).map_err(whole)?;
    for package in packages {
        let metadata = package.metadata_at(epoch);
        let mut write = |metadata: &Package| -> Result<(), MetadataError> {
            metadata.validate_xml_fields()?;
            primary.write_package(metadata)?;
            filelists.write_package(metadata)?;
            other.write_package(metadata)
        };
        write(&metadata).map_err(|source| RepositoryError::Write(package.nevra(), source))?;
    }
    primary.finish().map_err(whole)?;
    filelists.finish().map_err(whole)?;
    other.finish().map_err(whole)?;
    let plain = [
        ("primary", primary.into_inner()),
        ("filelists", filelists.into_inner()),
        ("other", other.into_inner()),
    ];

    let mut repomd = RepomdData::default();
    repomd.set_revision(&epoch.to_string());
    let mut files = Vec::new();
    for (kind, xml) in plain {
        let bytes = gzip(&xml);
        let path = format!("repodata/{kind}.xml.gz");
        repomd.add_record(record(kind, &path, &bytes, &xml, epoch));
        files.push((path, bytes));
    }
    let mut writer = create_xml_writer(Vec::new());
    RepomdXml::write_data(&repomd, &mut writer).map_err(whole)?;
    files.push(("repodata/repomd.xml".to_owned(), writer.into_inner()));
    Ok(files)
}

fn record(kind: &str, path: &str, bytes: &[u8], xml: &[u8], epoch: u64) -> RepomdRecord {
    let mut record = RepomdRecord::default();
    record.metadata_name = kind.to_owned();
    record.location_href = path.into();
    record.timestamp = i64::try_from(epoch).unwrap_or(i64::MAX);
    record.size = Some(bytes.len() as u64);
    record.checksum = Checksum::Sha256(Sha256::hash(bytes).to_string());
    record.open_size = Some(xml.len() as u64);
    record.open_checksum = Some(Checksum::Sha256(Sha256::hash(xml).to_string()));
    record
}

/// Compresses without a name, a time or an operating system in the gzip header.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::best());
    gzip.write_all(bytes).expect("memory takes all");
    gzip.finish().expect("memory takes all")
}
