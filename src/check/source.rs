//! The keys by which facts from outside are cited; `docs/sources.md` says the same to people.
//!
//! Not for the citations themselves: each check carries its own.

/// One key, or one prefix of keys, and what it stands for.
pub struct SourceKey {
    /// The key as written in `source: { doc: ... }`; a prefix when it ends with a colon.
    pub key: &'static str,
    /// What it stands for, as a sentence.
    pub meaning: &'static str,
}

/// All keys a check may cite.
pub const SOURCES: &[SourceKey] = &[
    SourceKey {
        key: "S000",
        meaning: "\"Fail back VMware VMs/physical servers to on-premises site\", Microsoft, \
                  2019-01-15, Swedish edition of 2021.",
    },
    SourceKey {
        key: "S001",
        meaning: "\"Fail back VMware virtual machines and physical servers to the on-premises \
                  site\", Microsoft, 2017-03-27: the page with the CentOS 6.6 master target.",
    },
    SourceKey {
        key: "S002",
        meaning: "\"Run a failback for Hyper-V VMs\", Microsoft, 2019-09-12.",
    },
    SourceKey {
        key: "S003",
        meaning: "The document of S000 in its Chinese edition of 2020; the two differ in places.",
    },
    SourceKey {
        key: "S004",
        meaning: "\"How to fail back from Azure to VMware\", Microsoft, 2017-06-05, Italian \
                  edition.",
    },
    SourceKey {
        key: "D:",
        meaning: "A page of MicrosoftDocs/azure-docs, `articles/site-recovery/` and the name \
                  behind the colon with `.md`.",
    },
    SourceKey {
        key: "anaconda",
        meaning: "The installer's own code, rhinstaller/anaconda at tag \
                  `anaconda-13.21.229-1` (of 2014-09-08, the last before RHEL 6.6); the file is \
                  named beside it.",
    },
    SourceKey {
        key: "agent",
        meaning: "The published source of the replication agent, read for what its scripts do; \
                  its CentOS 7.4 variant, as the one of 6.6 was not found.",
    },
    SourceKey {
        key: "field",
        meaning: "Seen again and again in public threads of image builders and of people who \
                  fail back; no document lists it.",
    },
    SourceKey {
        key: "format",
        meaning: "A published format: ISO 9660 (ECMA-119), Joliet, Rock Ridge, El Torito, UEFI, \
                  FAT, RPM metadata, implantisomd5. The clause is named beside it.",
    },
    SourceKey {
        key: "preflight",
        meaning: "A promise of this program about the images it builds.",
    },
    SourceKey {
        key: "site",
        meaning: "A rule of the site's own, in a check that was given with `--checks`.",
    },
];

/// Whether a check may cite this key.
pub fn is_known_key(doc: &str) -> bool {
    source_key(doc).is_some()
}

/// Returns what a document's key stands for.
pub fn source_key(doc: &str) -> Option<&'static SourceKey> {
    SOURCES.iter().find(|source| match source.key.strip_suffix(':') {
        Some(_) => doc.len() > source.key.len() && doc.starts_with(source.key),
        None => doc == source.key,
    })
}

/// Returns the address of a document that stands in public under its own name: a page of the
/// documentation (`D:`). Some of those pages have been retired since.
///
/// ```
/// use preflight::check::source::address;
/// let page = address("D:vmware-azure-reprotect").unwrap();
/// assert_eq!(page, "https://learn.microsoft.com/azure/site-recovery/vmware-azure-reprotect");
/// assert_eq!(address("S001"), None);
/// ```
pub fn address(doc: &str) -> Option<String> {
    let page = doc.strip_prefix("D:").filter(|page| !page.is_empty())?;
    let is_name = page.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| format!("https://learn.microsoft.com/azure/site-recovery/{page}"))
}

/// `docs/sources.md`.
pub fn sources_md() -> String {
    let rows: Vec<String> =
        SOURCES.iter().map(|s| format!("| `{}` | {} |\n", s.key, s.meaning)).collect();
    format!(
        "# Where facts come from\n\n\
         Checks, comments and reports cite a source by a key and a place in it. Facts are \
         restated in our own words.\nWhere sources disagree, the place that uses one says so. \
         Generated from `src/check/source.rs`.\n\n\
         | key | what it is |\n|---|---|\n{}",
        rows.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_keys_are_known() {
        for (doc, expected) in
            [("S001", true), ("D:page", true), ("D:", false), ("S005", false), ("", false)]
        {
            assert_eq!(is_known_key(doc), expected, "{doc:?}");
        }
    }
}
