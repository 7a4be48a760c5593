//! Names that installers know: time zones, keyboards, languages.
//!
//! The lists are generous, for a name that is refused wrongly costs more trust than one that is not:
//! every name that a release of the source has had counts for both generations.

use std::collections::BTreeSet;
use std::sync::LazyLock;

const KEYMAPS: &str = include_str!("../../../../kickstart/options/keymaps.txt");
const LAYOUTS: &str = include_str!("../../../../kickstart/options/layouts.txt");
const LOCALES: &str = include_str!("../../../../kickstart/options/locales.txt");
const TIME_ZONES: &str = include_str!("../../../../kickstart/options/timezones.txt");

type Names = LazyLock<BTreeSet<&'static str>>;

static KEYMAP_NAMES: Names = LazyLock::new(|| names(KEYMAPS));
static LAYOUT_NAMES: Names = LazyLock::new(|| names(LAYOUTS));
static LOCALE_NAMES: Names = LazyLock::new(|| names(LOCALES));
static TIME_ZONE_NAMES: Names = LazyLock::new(|| names(TIME_ZONES));

fn names(text: &'static str) -> BTreeSet<&'static str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

/// Whether the tz database has had a zone of this name.
pub(super) fn is_time_zone(name: &str) -> bool {
    TIME_ZONE_NAMES.contains(name)
}

/// Whether a console keymap or an X layout has this name; el7 takes either behind `keyboard`.
pub(super) fn is_keyboard(name: &str) -> bool {
    KEYMAP_NAMES.contains(name) || is_layout(name)
}

/// Whether an X layout has this name; a variant may stand behind it in parentheses.
pub(super) fn is_layout(name: &str) -> bool {
    let layout = name.split('(').next().unwrap_or(name).trim();
    LAYOUT_NAMES.contains(layout)
}

/// Whether there is a locale of this name, whatever its encoding and modifier.
pub(super) fn is_locale(name: &str) -> bool {
    let bare = name.split(['.', '@']).next().unwrap_or(name);
    LOCALE_NAMES.contains(bare)
        || LOCALE_NAMES.iter().any(|name| name.split('_').next() == Some(bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_or_not() {
        for name in ["Etc/UTC", "UTC", "Europe/Stockholm", "America/New_York", "US/Eastern", "GMT"]
        {
            assert!(is_time_zone(name), "{name}");
        }
        for name in ["Europe/Stokholm", "europe/stockholm", "", "Mars/Base", "CEST"] {
            assert!(!is_time_zone(name), "{name}");
        }
        for name in ["us", "de-latin1-nodeadkeys", "sv-latin1", "br-abnt2", "uk", "gb", "ch"] {
            assert!(is_keyboard(name), "{name}");
        }
        for name in ["usa", "qwerty", "", "sv_SE"] {
            assert!(!is_keyboard(name), "{name}");
        }
        assert!(is_layout("cz (qwerty)") && is_layout("us") && !is_layout("qz (us)"));
        for name in ["en_US.UTF-8", "en_US", "de_DE.utf8", "sr_RS@latin", "C", "sv_SE.UTF-8", "en"]
        {
            assert!(is_locale(name), "{name}");
        }
        for name in ["en-US", "xx_YY.UTF-8", "english", "", "us"] {
            assert!(!is_locale(name), "{name}");
        }
    }
}
