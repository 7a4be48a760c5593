//! Parsing a reply's XML into a small tree with local names, within bounds.
//!
//! A document type is refused before anything in it is read, so no entity can be defined; depth and
//! the number of elements are bounded. Not for checking against a schema.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// The most levels of elements. A snapshot chain, the deepest thing that is collected, has 32.
pub const MAX_DEPTH: usize = 128;

/// The most elements of one reply.
pub const MAX_ELEMENTS: usize = 400_000;

/// One element; names have no prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct XmlElement {
    /// Its name.
    pub name: String,
    /// The element's type (`xsi:type`).
    pub xsi_type: Option<String>,
    /// The type of the managed object that the element refers to (`type`).
    pub object_type: Option<String>,
    /// The text directly inside, without the white space around it.
    pub text: String,
    /// The elements inside, in order.
    pub children: Vec<XmlElement>,
}

/// Why XML is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// It is not well-formed.
    #[error("malformed XML at byte {0}: {1}")]
    Malformed(u64, String),
    /// It has a document type, in which entities could be defined.
    #[error("it has a document type, which no vSphere reply has")]
    DocumentType,
    /// It refers to an entity that XML itself does not define.
    #[error("it uses the entity {0:?}, which is not defined")]
    Entity(String),
    /// More than [`MAX_DEPTH`] levels.
    #[error("it is more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// More than [`MAX_ELEMENTS`] elements.
    #[error("it has more than {MAX_ELEMENTS} elements")]
    TooMany,
}

impl XmlElement {
    /// Returns the first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns every child of this name.
    pub fn children_named<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Returns the text of the first child of this name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

/// Parses a document.
///
/// ```
/// use preflight::transport::vsphere::xml::parse;
/// let root = parse(r#"<a xmlns="urn:vim25"><b type="Folder">group-d1</b></a>"#).unwrap();
/// let b = root.child("b").unwrap();
/// assert_eq!((b.object_type.as_deref(), b.text.as_str()), (Some("Folder"), "group-d1"));
/// assert!(parse("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>").is_err());
/// ```
///
/// # Errors
///
/// Fails at the first thing that is not well-formed or not allowed.
pub fn parse(text: &str) -> Result<XmlElement, XmlError> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<XmlElement> = vec![XmlElement::default()];
    let mut elements = 0;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| XmlError::Malformed(reader.error_position(), error.to_string()))?;
        let malformed = |why: String| XmlError::Malformed(reader.buffer_position(), why);
        match event {
            Event::Start(start) => {
                count_element(&mut elements, open.len())?;
                open.push(read_element(&start).map_err(malformed)?);
            }
            Event::Empty(start) => {
                count_element(&mut elements, open.len())?;
                let element = read_element(&start).map_err(malformed)?;
                open.last_mut().expect("the document is never closed").children.push(element);
            }
            Event::End(_) => {
                // The reader has compared the names, so there is one to close.
                let mut closed = open.pop().expect("an element is open");
                closed.text = closed.text.trim().to_owned();
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => return Err(malformed("an end without a start".to_owned())),
                }
            }
            Event::Text(text) => {
                open.last_mut().expect("as above").text.push_str(&text.xml10_content());
            }
            Event::CData(text) => {
                open.last_mut().expect("as above").text.push_str(&text.xml10_content());
            }
            Event::GeneralRef(name) => {
                let char = name.resolve_char_ref().map_err(|error| malformed(error.to_string()))?;
                let text = &mut open.last_mut().expect("as above").text;
                if let Some(char) = char {
                    text.push(char);
                } else {
                    let name = name.xml10_content();
                    let unknown = || XmlError::Entity(name.chars().take(40).collect());
                    text.push_str(resolve_xml_entity(&name).ok_or_else(unknown)?);
                }
            }
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    let at = text.len() as u64;
    let malformed = |why: &str| XmlError::Malformed(at, why.to_owned());
    let [document] = open.as_mut_slice() else {
        return Err(malformed("it ends inside an element"));
    };
    match (document.children.len(), document.text.trim().is_empty()) {
        (1, true) => Ok(document.children.remove(0)),
        (0, _) => Err(malformed("there is no element in it")),
        _ => Err(malformed("there is something beside its element")),
    }
}

fn count_element(elements: &mut usize, depth: usize) -> Result<(), XmlError> {
    *elements += 1;
    if depth > MAX_DEPTH {
        return Err(XmlError::TooDeep);
    }
    if *elements > MAX_ELEMENTS {
        return Err(XmlError::TooMany);
    }
    Ok(())
}

fn read_element(start: &BytesStart<'_>) -> Result<XmlElement, String> {
    let mut element =
        XmlElement { name: local_name(start.name().0).to_owned(), ..XmlElement::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let key = attribute.key.0;
        if local_name(key) != "type" {
            continue;
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| error.to_string())?;
        // An object's own type has no prefix; a value's type is `xsi:type`, whatever the prefix.
        if key == "type" {
            element.object_type = Some(value.into_owned());
        } else {
            element.xsi_type = Some(local_name(&value).to_owned());
        }
    }
    Ok(element)
}

fn local_name(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local_name)| local_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_types_and_texts_are_read() {
        let root = parse(
            "<?xml version=\"1.0\"?>\n<s:E xmlns:s='u' xmlns:xsi='v'>\n <val xsi:type=\"ns1:ArrayOfX\">\n  \
             <X type='VirtualMachine'> vm&#45;1 </X><X/><t>&lt;a&amp;b&gt; <![CDATA[<c>]]></t></val></s:E>",
        )
        .unwrap();
        assert_eq!(root.name, "E");
        let value = root.child("val").unwrap();
        assert_eq!(value.xsi_type.as_deref(), Some("ArrayOfX"));
        assert_eq!(value.children_named("X").count(), 2);
        assert_eq!(value.child("X").unwrap().object_type.as_deref(), Some("VirtualMachine"));
        assert_eq!(value.child_text("X"), Some("vm-1"));
        assert_eq!(value.child_text("t"), Some("<a&b> <c>"));
    }

    #[test]
    fn what_no_server_of_good_will_sends_is_refused() {
        let deep = "<a>".repeat(200_000) + &"</a>".repeat(200_000);
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        for (text, expected) in [
            ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", XmlError::DocumentType),
            ("<a>&b;</a>", XmlError::Entity("b".to_owned())),
            (&deep, XmlError::TooDeep),
            (&many, XmlError::TooMany),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected, "{:.60}", text);
        }
        for text in [
            "", "  ", "x", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a/>x", "<a", "<a b></a>",
            "<a>&#0;</a>", "<a>&#xD800;</a>", "<a b='c' b='d'/>", "<a>&", "<a>&amp</a>",
        ] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, XmlError::Malformed(..)), "{text:?}: {error}");
        }
    }

    #[test]
    fn a_chain_of_snapshots_is_not_too_deep() {
        let text = "<s>".repeat(MAX_DEPTH) + &"</s>".repeat(MAX_DEPTH);
        assert!(parse(&text).is_ok());
    }
}
