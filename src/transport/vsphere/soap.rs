//! SOAP envelopes for the vSphere API: writing calls, parsing replies and faults.
//!
//! Not for sending them, nor for which calls there are.

use std::fmt;

use quick_xml::escape::escape;

use super::xml::{XmlElement, XmlError, parse};
use crate::secret::Secret;
use crate::transport::http::message::HttpResponse;

/// The levels of text that an envelope adds around a call.
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
    xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><soapenv:Body>";
const TAIL: &str = "</soapenv:Body></soapenv:Envelope>";

/// A reference to a managed object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, derive_more::Display)]
#[display("{kind}:{id}")]
pub struct ObjectRef {
    /// The type, such as `VirtualMachine`.
    pub kind: String,
    /// The server's id of the object, which has no meaning.
    pub id: String,
}

impl ObjectRef {
    /// Creates a reference.
    pub fn new(kind: &str, id: &str) -> Self {
        Self { kind: kind.to_owned(), id: id.to_owned() }
    }

    /// Returns the reference that an element is; none for other elements.
    pub fn from_element(element: &XmlElement) -> Option<Self> {
        Some(Self { kind: element.object_type.clone()?, id: element.text.clone() })
    }

    /// Parses `VirtualMachine:vm-12`, the form in captures.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        Some(Self::new(kind, id))
    }
}

/// An argument of a call, or a part of one, in the order its type has them.
pub enum SoapArg<'a> {
    /// A plain value.
    Text(&'a str, &'a str),
    /// A text where a value of any type is allowed.
    String(&'a str, &'a str),
    /// A password.
    Secret(&'a str, &'a Secret),
    /// A managed object.
    Object(&'a str, &'a ObjectRef),
    /// Parts inside.
    Parts(&'a str, Vec<SoapArg<'a>>),
    /// Parts inside, with their type (`xsi:type`).
    Typed(&'a str, &'a str, Vec<SoapArg<'a>>),
}

/// Builds the envelope of a call.
pub fn build_envelope(method: &str, this: &ObjectRef, args: &[SoapArg<'_>]) -> Secret {
    // Large enough never to grow: growing would leave a copy of a password in memory.
    let mut text = String::with_capacity(64 * 1024);
    text.push_str(HEAD);
    text.push_str(&format!("<{method} xmlns=\"urn:vim25\">"));
    write_arg(&mut text, &SoapArg::Object("_this", this));
    args.iter().for_each(|arg| write_arg(&mut text, arg));
    text.push_str(&format!("</{method}>"));
    text.push_str(TAIL);
    Secret::new(text)
}

fn write_arg(text: &mut String, arg: &SoapArg<'_>) {
    match arg {
        SoapArg::Text(name, value) => {
            text.push_str(&format!("<{name}>{}</{name}>", escape(*value)))
        }
        SoapArg::String(name, value) => {
            text.push_str(&format!("<{name} xsi:type=\"xsd:string\">{}</{name}>", escape(*value)))
        }
        SoapArg::Secret(name, value) => {
            text.push_str(&format!("<{name}>{}</{name}>", escape(value.expose())));
        }
        SoapArg::Object(name, value) => text.push_str(&format!(
            "<{name} type=\"{}\">{}</{name}>",
            escape(&*value.kind),
            escape(&*value.id)
        )),
        SoapArg::Parts(name, parts) => {
            text.push_str(&format!("<{name}>"));
            parts.iter().for_each(|part| write_arg(text, part));
            text.push_str(&format!("</{name}>"));
        }
        SoapArg::Typed(name, kind, parts) => {
            text.push_str(&format!("<{name} xsi:type=\"{kind}\">"));
            parts.iter().for_each(|part| write_arg(text, part));
            text.push_str(&format!("</{name}>"));
        }
    }
}

/// A fault that the server answered a call with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoapFault {
    /// Its type, such as `NoPermission`; empty when it has none.
    pub kind: String,
    /// The server's message for people.
    pub message: String,
    /// The privilege that is lacking.
    pub privilege: Option<String>,
    /// The object on which it is lacking.
    pub object: Option<ObjectRef>,
}

impl fmt::Display for SoapFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind.is_empty() { "a fault" } else { &self.kind };
        write!(f, "{kind}")?;
        if let Some(privilege) = &self.privilege {
            write!(f, ", {privilege} is lacking")?;
        }
        if let Some(object) = &self.object {
            write!(f, " on {object}")?;
        }
        if !self.message.is_empty() {
            let message: String = self.message.chars().take(300).collect();
            write!(f, ": {}", message.trim_end_matches('.'))?;
        }
        Ok(())
    }
}

impl SoapFault {
    /// Reads an element whose type is that of a fault, such as the detail of a SOAP fault or a
    /// property that is missing.
    pub fn from_element(element: &XmlElement, message: &str) -> Self {
        // vSphere 8 lists what is missing, older releases name one privilege.
        let listed = element.child("missingPrivileges").or_else(|| element.child("privileges"));
        let privilege = element.child_text("privilegeId").or_else(|| {
            listed.and_then(|l| l.child_text("privilegeIds").or(l.child_text("privilegeId")))
        });
        let object = element.child("object").or_else(|| listed.and_then(|l| l.child("entity")));
        Self {
            kind: element.xsi_type.clone().unwrap_or_default(),
            message: message.to_owned(),
            privilege: privilege.filter(|id| !id.is_empty()).map(str::to_owned),
            object: object.and_then(ObjectRef::from_element),
        }
    }

    /// Whether the fault means that the session has ended.
    pub fn is_not_authenticated(&self) -> bool {
        self.kind == "NotAuthenticated"
    }
}

/// A reply.
#[derive(Debug)]
pub enum SoapReply {
    /// The element `...HttpResponse`, whose children are `returnval`.
    Answer(XmlElement),
    /// A fault.
    Fault(SoapFault),
}

/// Why an HTTP answer holds no reply.
#[derive(Debug)]
pub enum ReplyError {
    /// The status says that it holds none.
    Status,
    /// The answer is something else, which this fragment names.
    Other(String),
    /// The answer is XML that is refused.
    Xml(XmlError),
}

/// Parses the envelope of an answer. Faults have status 500, so its body is parsed as well.
///
/// # Errors
///
/// Fails when the answer is no SOAP envelope.
pub fn parse_reply(response: &HttpResponse) -> Result<SoapReply, ReplyError> {
    if !matches!(response.status, 200 | 500) {
        return Err(ReplyError::Status);
    }
    let Ok(text) = std::str::from_utf8(&response.body) else {
        return Err(ReplyError::Other("the reply is not UTF-8".to_owned()));
    };
    if response.content_type.contains("html") {
        return Err(ReplyError::Other(format!("it sent a web page{}", page_title(text))));
    }
    if response.status == 500 && !response.content_type.contains("xml") {
        return Err(ReplyError::Status);
    }
    let root = parse(text).map_err(ReplyError::Xml)?;
    let body = (root.name == "Envelope").then(|| root.child("Body")).flatten();
    let Some(inner) = body.and_then(|body| body.children.first()) else {
        return Err(ReplyError::Other(format!("it sent XML that begins with <{:.40}>", root.name)));
    };
    if inner.name == "Fault" {
        let message = inner.child_text("faultstring").unwrap_or_default();
        let detail = inner.child("detail").and_then(|detail| detail.children.first());
        let none = XmlElement::default();
        return Ok(SoapReply::Fault(SoapFault::from_element(detail.unwrap_or(&none), message)));
    }
    Ok(SoapReply::Answer(inner.clone()))
}

/// Returns the title of a web page, as a fragment.
fn page_title(page: &str) -> String {
    let begin = page.find("<title>").map(|at| at + "<title>".len());
    let title = begin.and_then(|at| page[at..].split('<').next()).unwrap_or_default().trim();
    match title {
        "" => String::new(),
        title => format!(" titled {:?}", title.chars().take(80).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, kind: &str, body: &str) -> HttpResponse {
        HttpResponse {
            headers: Vec::new(),
            read: 0,
            status,
            reason: String::new(),
            content_type: kind.to_owned(),
            location: None,
            session: None,
            body: body.as_bytes().to_vec(),
            closes: false,
        }
    }

    #[test]
    fn an_envelope_escapes_whatever_it_is_given() {
        let this = ObjectRef::new("SessionManager", "a&b");
        let password = Secret::new("p<w>&\"'\r".to_owned());
        let args = [
            SoapArg::Text("userName", "x</userName>"),
            SoapArg::Secret("password", &password),
            SoapArg::Typed(
                "set",
                "TraversalSpec",
                vec![SoapArg::Parts("p", vec![SoapArg::Text("q", "1")])],
            ),
        ];
        let text = build_envelope("Login", &this, &args);
        let root = parse(text.expose()).unwrap();
        let call = root.child("Body").unwrap().child("Login").unwrap();
        assert_eq!(call.child_text("_this"), Some("a&b"));
        assert_eq!(call.child_text("userName"), Some("x</userName>"));
        assert!(text.expose().contains("<password>p&lt;w&gt;&amp;&quot;&apos;&#13;</password>"));
        assert_eq!(call.child("set").unwrap().xsi_type.as_deref(), Some("TraversalSpec"));
    }

    #[test]
    fn faults_are_told_apart_with_the_privilege_they_name() {
        let fault = |inner: &str| {
            let body = format!(
                "<s:Envelope xmlns:s='e' xmlns:xsi='i'><s:Body><s:Fault><faultcode>c</faultcode>\
                 <faultstring>Permission was denied.</faultstring><detail>{inner}</detail>\
                 </s:Fault></s:Body></s:Envelope>"
            );
            match parse_reply(&response(500, "text/xml", &body)).unwrap() {
                SoapReply::Fault(fault) => fault,
                SoapReply::Answer(_) => panic!("a fault is no answer"),
            }
        };
        let old = fault(
            "<NoPermissionFault xsi:type='NoPermission'><object type='Folder'>group-d1</object>\
             <privilegeId>System.View</privilegeId></NoPermissionFault>",
        );
        assert_eq!(
            old.to_string(),
            "NoPermission, System.View is lacking on Folder:group-d1: Permission was denied"
        );
        let new = fault(
            "<NoPermissionFault xsi:type='n:NoPermission'><missingPrivileges>\
             <entity type='Datastore'>ds-1</entity><privilegeIds>Datastore.Browse</privilegeIds>\
             </missingPrivileges></NoPermissionFault>",
        );
        assert_eq!(
            (new.kind.as_str(), new.privilege.as_deref()),
            ("NoPermission", Some("Datastore.Browse"))
        );
        assert_eq!(new.object, Some(ObjectRef::new("Datastore", "ds-1")));
        assert!(fault("<x xsi:type='NotAuthenticated'/>").is_not_authenticated());
        assert_eq!(fault("").to_string(), "a fault: Permission was denied");
    }

    #[test]
    fn what_is_no_reply_is_named() {
        let page = "<!DOCTYPE html><html><head><title>Sign in</title></head></html>";
        let no_reply = |status, kind, body| parse_reply(&response(status, kind, body)).unwrap_err();
        assert!(matches!(no_reply(503, "text/xml", "<a/>"), ReplyError::Status));
        assert!(matches!(no_reply(500, "text/plain", "oops"), ReplyError::Status));
        let ReplyError::Other(why) = no_reply(200, "text/html", page) else { panic!("a page") };
        assert_eq!(why, "it sent a web page titled \"Sign in\"");
        let ReplyError::Other(why) = no_reply(200, "text/xml", "<a/>") else { panic!("XML") };
        assert_eq!(why, "it sent XML that begins with <a>");
        assert!(matches!(no_reply(200, "text/xml", page), ReplyError::Xml(XmlError::DocumentType)));
    }
}
