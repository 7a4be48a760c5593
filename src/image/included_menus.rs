//! A boot menu of isolinux's that is spread over several files, read as one text.
//!
//! Not for where the boot menus of a medium are (`menus`).

use crate::boot::{BootConfig, BootConfigError, MenuFormat};
use crate::iso::Medium;

/// The largest menu that is read.
pub const MAX_MENU_BYTES: u64 = 256 * 1024;

/// The most files that a menu is put together from; vendors use about ten.
const MAX_FILES: usize = 40;

/// The most levels of files that include others.
const MAX_DEPTH: usize = 8;

/// Returns the menu with the text of every file that it includes in the place where it does. What
/// is not on the medium counts as empty, as for isolinux.
///
/// # Errors
///
/// Refuses what is too long, and files that include each other without end.
pub fn flatten(medium: &Medium, path: &str, text: &str) -> Result<BootConfig, BootConfigError> {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut reader = Reader { medium, directory, files: 0 };
    let whole = reader.expand(text, 0)?;
    BootConfig::parse(MenuFormat::Isolinux, &whole)
}

struct Reader<'a> {
    medium: &'a Medium,
    /// All paths are taken from the directory of isolinux.cfg.
    directory: &'a str,
    files: usize,
}

impl Reader<'_> {
    fn expand(&mut self, text: &str, depth: usize) -> Result<String, BootConfigError> {
        let mut whole = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let mut words = line.split_whitespace();
            let first = words.next().unwrap_or_default();
            let file = match first.to_ascii_lowercase().as_str() {
                "include" => words.next(),
                "menu" if words.next().is_some_and(|word| word.eq_ignore_ascii_case("include")) => {
                    words.next()
                }
                _ => None,
            };
            let Some(file) = file else {
                whole.push_str(line);
                continue;
            };
            self.files += 1;
            if depth == MAX_DEPTH || self.files > MAX_FILES {
                let (text, why) = (line.trim().to_owned(), "the files include too many others");
                return Err(BootConfigError::Undecided { line: 0, text, why });
            }
            let included = self.read(file).unwrap_or_default();
            whole.push_str(&self.expand(&included, depth + 1)?);
            if !whole.ends_with('\n') {
                whole.push('\n');
            }
        }
        Ok(whole)
    }

    fn read(&self, file: &str) -> Option<String> {
        let path = match file.strip_prefix('/') {
            Some(path) => path.to_owned(),
            None => format!("{}/{file}", self.directory),
        };
        let bytes = self.medium.read_file(&path, MAX_MENU_BYTES).ok()?;
        String::from_utf8(bytes).ok()
    }
}
