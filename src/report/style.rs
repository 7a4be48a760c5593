//! How reports for people look.

/// How a report for people is to look; formats for programs ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used.
    pub colour: bool,
    /// Whether a terminal makes links of OSC 8 of what has an address.
    pub links: bool,
    /// Columns to wrap at.
    pub width: usize,
    /// Whether what passed is listed.
    pub lists_passed: bool,
    /// Whether details are left out.
    pub is_brief: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, links: false, width: 80, lists_passed: false, is_brief: false }
    }
}
