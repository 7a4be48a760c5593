//! The texts in which `vim-cmd` shows objects of the API: `(vim.vm.Summary) { name = "x", ... }`,
//! read into the JSON that captures of the API have, so that both are checked alike.
//!
//! Not for what any of it means. Numbers and truth values stay texts, as in captures.

use serde_json::{Map, Value};

/// The API's objects are nested ten deep or so.
const MAX_DEPTH: usize = 40;

/// Why a text is no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// The host answered with a fault in place of the object.
    #[error("the host answered {kind}: {message}")]
    Fault {
        /// Its type, such as `NotFound`.
        kind: String,
        /// What it says to people.
        message: String,
    },
    /// No object is there at all.
    #[error("no object in what was printed: {0:?}")]
    NoObject(String),
    /// The object ends early or is written in another way.
    #[error("expected {0} at byte {1} of the object")]
    Malformed(&'static str, usize),
}

/// Reads the first object of a text.
///
/// ```
/// use preflight::facts::vsphere::esxi_shell::dump;
/// let text = "Listsummary:\n(vim.vm.Summary) {\n   vm = 'vim.VirtualMachine:1', \n   name = \"a \"b\"\", \n   off = <unset>\n}\n";
/// let value = dump::parse(text).unwrap();
/// assert_eq!(value["vm"], "VirtualMachine:1");
/// assert_eq!(value["name"], "a \"b\"");
/// assert!(value.get("off").is_none());
/// ```
///
/// # Errors
///
/// [`DumpError::Fault`] when the object is one; the others when there is none to be read.
pub fn parse(text: &str) -> Result<Value, DumpError> {
    let start = text.lines().scan(0, |at, line| {
        let here = *at;
        *at += line.len() + 1;
        Some((here, line))
    });
    let starts_object = |line: &str| line.starts_with("(vim.") || line.starts_with("(vmodl.");
    let Some((start, _)) = start.into_iter().find(|(_, line)| starts_object(line.trim_start()))
    else {
        let shown: String = text.trim().chars().take(80).collect();
        return Err(DumpError::NoObject(shown));
    };
    // Lines may end in CR LF, of which `lines` takes two bytes: look for the object itself.
    let start = text[..].get(start..).and_then(|rest| rest.find('(')).map_or(start, |n| start + n);
    let mut reader = Reader { text, at: start };
    let full_type = reader.peek_type().unwrap_or_default().to_owned();
    let value = reader.value(0)?;
    let value = value.unwrap_or(Value::Null);
    reader.skip_blanks(&[]);
    if full_type.contains(".fault.") || full_type.ends_with("Fault") {
        let message = value.get("msg").and_then(Value::as_str).unwrap_or_default();
        let message = message.trim().trim_end_matches('.');
        let kind = full_type.rsplit('.').next().unwrap_or_default().to_owned();
        return Err(DumpError::Fault { kind, message: message.to_owned() });
    }
    if !reader.rest().is_empty() {
        return Err(reader.malformed("nothing behind the end"));
    }
    Ok(value)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self, more: &[char]) {
        let rest = self.rest();
        let left = rest.trim_start_matches(|c: char| c.is_whitespace() || more.contains(&c));
        self.at += rest.len() - left.len();
    }

    fn take(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    fn malformed(&self, expected: &'static str) -> DumpError {
        DumpError::Malformed(expected, self.at)
    }

    fn peek_type(&self) -> Option<&'t str> {
        self.rest().strip_prefix('(')?.split_once(')').map(|(name, _)| name)
    }

    /// A value; none when it is unset.
    fn value(&mut self, depth: usize) -> Result<Option<Value>, DumpError> {
        if depth > MAX_DEPTH {
            return Err(self.malformed("an object that is not as deep"));
        }
        if self.rest().starts_with('(') {
            let name = self.peek_type().ok_or_else(|| self.malformed("the end of a type"))?;
            self.at += name.len() + 2;
            self.skip_blanks(&[]);
            return self.typed_value(name.rsplit('.').next().unwrap_or(name), depth);
        }
        if self.take("\"") {
            return self.string().map(|text| Some(Value::String(text)));
        }
        if self.take("'") {
            let rest = self.rest();
            let end = rest.find(['\'', '\n']).ok_or_else(|| self.malformed("a closing quote"))?;
            self.at += end + 1;
            return Ok(Some(Value::String(reference(&rest[..end]))));
        }
        let rest = self.rest();
        let end = rest.find([',', '\n', '}', ']']).unwrap_or(rest.len());
        let word = rest[..end].trim();
        if word.is_empty() {
            return Err(self.malformed("a value"));
        }
        self.at += end;
        Ok((!matches!(word, "<unset>" | "null")).then(|| Value::String(word.to_owned())))
    }

    fn typed_value(&mut self, name: &str, depth: usize) -> Result<Option<Value>, DumpError> {
        if self.take("{") {
            return self.members(name, depth).map(Some);
        }
        if self.take("[") {
            let mut items = Vec::new();
            loop {
                self.skip_blanks(&[',']);
                if self.take("]") {
                    return Ok(Some(Value::Array(items)));
                }
                items.extend(self.value(depth + 1)?);
            }
        }
        self.value(depth + 1)
    }

    fn members(&mut self, name: &str, depth: usize) -> Result<Value, DumpError> {
        let mut parts = Map::new();
        parts.insert("_type".to_owned(), Value::String(name.to_owned()));
        loop {
            self.skip_blanks(&[',']);
            if self.take("}") {
                return Ok(Value::Object(parts));
            }
            let rest = self.rest();
            let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            let key = &rest[..rest.len() - rest.trim_start_matches(is_key).len()];
            if key.is_empty() {
                return Err(self.malformed("the name of a member"));
            }
            self.at += key.len();
            self.skip_blanks(&[]);
            if !self.take("=") {
                return Err(self.malformed("an equals sign"));
            }
            self.skip_blanks(&[]);
            if let Some(value) = self.value(depth + 1)? {
                parts.insert(key.to_owned(), value);
            }
        }
    }

    /// A text behind its opening quote. Quotes inside are not always escaped, and a text may go
    /// over lines: the quote that ends it is the one that ends its line.
    fn string(&mut self) -> Result<String, DumpError> {
        let rest = self.rest();
        for (at, _) in rest.match_indices('"') {
            let behind = rest[at + 1..].trim_start_matches([' ', '\t']);
            let behind = behind.strip_prefix(',').unwrap_or(behind);
            let behind = behind.trim_start_matches([' ', '\t', '\r']);
            if behind.is_empty() || behind.starts_with(['\n', '}', ']']) {
                self.at += at + 1;
                return Ok(rest[..at].replace("\\\"", "\""));
            }
        }
        Err(self.malformed("a closing quote"))
    }
}

/// `vim.VirtualMachine:11` as the API's captures have it.
fn reference(text: &str) -> String {
    let (kind, id) = text.split_once(':').unwrap_or((text, ""));
    let kind = kind.rsplit('.').next().unwrap_or(kind);
    if id.is_empty() { kind.to_owned() } else { format!("{kind}:{id}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_lists_and_what_is_unset_keep_their_shape() {
        for (text, expected) in [
            ("(vim.A) {\n}\n", json!({ "_type": "A" })),
            (
                "(vim.A) {\n   dynamicType = <unset>,\n   n = 12, \n   t = true\n}",
                json!({ "_type": "A", "n": "12", "t": "true" }),
            ),
            ("(vim.A) {\n   b = (vim.B) null, \n   c = \"\"\n}", json!({ "_type": "A", "c": "" })),
            (
                "(vim.A) {\n   l = (string) [\n      \"a\", \n      \"b\"\n   ], \n   e = (vim.B) []\n}",
                json!({ "_type": "A", "l": ["a", "b"], "e": [] }),
            ),
            (
                "(vim.A) {\r\n   l = (vim.vm.device.VirtualDevice) [\r\n      (vim.vm.device.VirtualLsiLogicController) {\r\n         key = 1000, \r\n      }\r\n   ]\r\n}\r\n",
                json!({ "_type": "A", "l": [{ "_type": "VirtualLsiLogicController", "key": "1000" }] }),
            ),
            (
                "x\n(vim.A) {\n   a = \"two\nlines, \"quoted\", and } more\", \n   d = (vim.Datastore) [ \n      'vim.Datastore:5e-1'\n   ]\n}",
                json!({ "_type": "A", "a": "two\nlines, \"quoted\", and } more", "d": ["Datastore:5e-1"] }),
            ),
            (
                "(vim.A) {\n   v = \"\"True\"\", \n   w = \"\\\"x\\\"\"\n}",
                json!({ "_type": "A", "v": "\"True\"", "w": "\"x\"" }),
            ),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_object_is_said() {
        let fault = "(vim.fault.NotFound) {\n   faultCause = (vmodl.MethodFault) null, \n   msg = \"Unable to find a VM corresponding to \"7\"\"\n}";
        assert_eq!(
            parse(fault),
            Err(DumpError::Fault {
                kind: "NotFound".to_owned(),
                message: "Unable to find a VM corresponding to \"7\"".to_owned()
            })
        );
        for text in ["", "Invalid command 'x'.\n", "name = \"(vim.A) {}\""] {
            assert!(matches!(parse(text), Err(DumpError::NoObject(_))), "{text}");
        }
        let whole = "(vim.A) {\n   a = \"b\", \n   c = (vim.B) [\n      (vim.B) {\n         d = 1\n      }\n   ]\n}";
        for end in 1..whole.len() {
            assert!(parse(&whole[..end]).is_err(), "{:?}", &whole[..end]);
        }
        for more in ["(vim.A) {\n}\n", "(vim.fault.NotFound) {\n}\n", "Terminated\n"] {
            assert!(parse(&format!("{whole}\n{more}")).is_err(), "{more}");
        }
        let deep = format!("(vim.A) {{ a = {}", "(vim.A) { a = ".repeat(10_000));
        assert!(parse(&deep).is_err());
    }
}
