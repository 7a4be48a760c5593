//! What `vim-cmd vimsvc/license --show` prints.
//!
//! Not for evaluating it (`licence`). The serial number was cut down to its end before it left the host.

use crate::facts::vsphere::licence::{LicenceProperties, LicenceRecord};

/// Reads every licence that is shown.
///
/// ```
/// use preflight::facts::vsphere::esxi_shell::licence_text::parse;
/// let shown = parse("  serial: *****-00000\n  vmodl key: eval\n     [expirationHours] = 3\n").unwrap();
/// assert_eq!(shown[0].key.as_deref(), Some("eval"));
/// ```
///
/// # Errors
///
/// What was printed instead, when no licence is among it; a fault that stands among licences; and a
/// report that has a beginning and no end.
pub fn parse(text: &str) -> Result<Vec<LicenceRecord>, String> {
    let mut licences: Vec<LicenceRecord> = Vec::new();
    let shown = |text: &str| -> String { text.trim().chars().take(80).collect() };
    let (begun, ended) =
        (text.contains("[200] Sending request"), text.contains("[200] End of report"));
    if begun && !ended {
        return Err("the report of vim-cmd about licences has no end".to_owned());
    }
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with("(vim") || line.starts_with("(vmodl") || line.starts_with("Failed") {
            return Err(format!("vim-cmd printed {:?} among licences", shown(line)));
        }
        if let Some(serial) = line.strip_prefix("serial:") {
            let properties = Ok(LicenceProperties::default());
            let serial = serial.trim().to_owned();
            licences.push(LicenceRecord { key: None, name: None, serial, properties });
            continue;
        }
        let Some(licence) = licences.last_mut() else { continue };
        if let Some(property) = line.strip_prefix('[') {
            let Some((key, value)) = property.split_once(']') else { continue };
            let Some(value) = value.trim_start().strip_prefix('=') else { continue };
            let Ok(properties) = &mut licence.properties else { continue };
            let value = value.trim();
            if key == "feature" {
                let name = value.split([' ', '(']).next().unwrap_or_default();
                properties.features.push(name.to_owned());
            } else {
                properties.values.entry(key.to_owned()).or_insert(value.to_owned());
            }
        } else if let Some(key) = line.strip_prefix("vmodl key:") {
            licence.key = Some(key.trim().to_owned());
        } else if let Some(name) = line.strip_prefix("name:") {
            licence.name = Some(name.trim().to_owned());
        }
    }
    if licences.is_empty() {
        return Err(format!("vim-cmd shows no licence: {:?}", shown(text)));
    }
    Ok(licences)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::vsphere::licence::LicenceEdition;

    fn edition(text: &str) -> Result<Option<LicenceEdition>, String> {
        let now = "2026-11-25T08:00:00Z".parse().ok();
        parse(text).map(|shown| shown[0].facts(now).edition.known().copied())
    }

    /// A listing with these properties, around which a release prints what it likes.
    fn listing(serial: &str, key: &str, name: &str, properties: &str) -> String {
        format!(
            "[200] Sending request for installed licenses...[200] Complete, result is:\n   serial: {serial}\n   vmodl key: {key}\n   name: {name}\n   total: 0\n   used:  2\n   unit: cpuPackage:6core\n   Properties:\n{properties}     [addon] =\n     [Localized] = <Not supported type for value: 0x1f00ba11>\n\n[200] End of report.\n"
        )
    }

    #[test]
    fn editions_are_read_in_every_shape() {
        let vsmp = "     [feature] = vsmp:8 (\"Up to 8-way virtual SMP\")\n";
        let api = "     [feature] = vimapi (\"vSphere API\")\n     [feature] = vstorage (\"Storage APIs\")\n";
        let ends = |date: &str| {
            format!(
                "     [expirationHours] = 99\n     [expirationDate] = {date}T08:00:00.128Z\n     [system_time] = 2026-11-25T08:00:00Z\n"
            )
        };
        for (text, expected) in [
            (
                listing("*****-ABCDE", "esxBasic", "vSphere 4 Hypervisor", vsmp),
                Some(LicenceEdition::Free),
            ),
            (
                listing(
                    "*****-ABCDE",
                    "esx.hypervisor.cpuPackageCoreLimited",
                    "vSphere 8 Hypervisor",
                    vsmp,
                ),
                Some(LicenceEdition::Free),
            ),
            (
                listing("*****-ABCDE", "", "VMware vSphere 6 Hypervisor", ""),
                Some(LicenceEdition::Free),
            ),
            (
                listing("*****-ABCDE", "esx.standard.cpuPackage", "VMware vSphere 6 Standard", api),
                Some(LicenceEdition::Paid),
            ),
            (
                listing("*****-00000", "eval", "Evaluation Mode", &ends("2026-12-25")),
                Some(LicenceEdition::Evaluation),
            ),
            (
                listing("*****-00000", "eval", "Evaluation Mode", &ends("2020-01-31")),
                Some(LicenceEdition::Expired),
            ),
            (listing("*****-00000", "eval", "Evaluation Mode", ""), None),
            (
                listing(
                    "*****-00000",
                    "esx.eval.entitlement.cpuCoreMin",
                    "VMware ESX Server",
                    &ends("2027-01-01"),
                ),
                Some(LicenceEdition::Evaluation),
            ),
            (listing("*****-ABCDE", "", "", vsmp), Some(LicenceEdition::ProbablyFree)),
            (listing("*****-ABCDE", "", "", api), None),
            (listing("*****-ABCDE", "vc.standard", "vCenter", ""), None),
        ] {
            assert_eq!(edition(&text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_shows_no_licence_is_unreadable() {
        for text in [
            "",
            "Usage: license [--show]\n",
            "(vim.fault.NoPermission) {\n   msg = \"Permission to perform this operation was denied.\"\n}",
            "Failed to login: Internal error\n",
            "[200] Sending request for installed licenses...[200] Complete, result is:\n   serial: *****-ABCDE\n   vmodl key: esx.standard.cpuPackage\n   name: vSphere 6 Standard\n",
            "   serial: *****-ABCDE\n   vmodl key: esx.standard.cpuPackage\n   name: vSphere 6 Standard\n(vim.fault.NoPermission) {\n}\n",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
