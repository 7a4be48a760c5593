//! A stand-in for Azure Resource Manager and its login: TLS with an authority of its own, and plain HTTP for the
//! metadata service of a machine. It refuses what the real one refuses, and notes what it was asked.
//!
//! Not for what is in a vault: that is `estate`.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Name};
use serde_json::{Value, json};

use super::estate::Estate;

/// What every token contains, to be looked for where no token may be.
pub const CANARY: &str = "canary7Kq";

/// The secret of the service principal, which may be nowhere either.
pub const CLIENT_SECRET: &str = "canary7Kq-secret~1";

/// A token that is always accepted.
pub const TOKEN: &str = "canary7Kq.given.token";

/// One request, as it was received.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// The path, decoded and in lower case.
    pub path: String,
    /// The query, decoded, by name in lower case.
    pub query: BTreeMap<String, String>,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// How many requests were being answered, this one included.
    pub at_once: usize,
    /// How many requests with this path came before.
    pub earlier: usize,
    pub at: Instant,
}

/// How a reply is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Delivery {
    #[default]
    Whole,
    /// Half of the body, then the end.
    CutOff,
    /// Nothing, and the connection is reset.
    Reset,
    /// Nothing at all for a long time.
    Silence,
    /// One byte at a time, with pauses.
    Drip,
}

/// A reply.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub delivery: Delivery,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, body: body.to_string().into_bytes(), ..Self::default() }
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self { status, body: body.as_bytes().to_vec(), ..Self::default() }
    }

    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "error": { "code": code, "message": message } }))
    }

    /// A refusal as the service words it, with the right that is lacking.
    pub fn forbidden(action: &str) -> Self {
        let message = format!(
            "The client 'c0ffee00-0000-4000-8000-000000000001' with object id 'c0ffee00-0000-4000-8000-000000000002' \
             does not have authorization to perform action '{action}' over scope '/x' or the scope is invalid."
        );
        Self::error(403, "AuthorizationFailed", &message)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn delivered(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }
}

/// What goes wrong: a reply in place of the right one, for requests it picks.
pub type Fault = Box<dyn Fn(&Request) -> Option<Reply> + Send + Sync>;

struct Shared {
    estate: Estate,
    fault: Fault,
    requests: Mutex<Vec<Request>>,
    running: AtomicUsize,
    tokens: AtomicUsize,
    authority: String,
    ended: std::sync::atomic::AtomicBool,
}

/// A server that runs until its handle is dropped.
pub struct StandIn {
    /// `https://127.0.0.1:PORT`.
    pub origin: String,
    /// `http://127.0.0.1:PORT` of the metadata service.
    pub metadata: String,
    /// The file of its authority.
    pub ca: PathBuf,
    _directory: tempfile::TempDir,
    shared: Arc<Shared>,
}

impl StandIn {
    pub fn start(estate: Estate) -> Self {
        Self::with_fault(estate, |_| None)
    }

    pub fn with_fault(
        estate: Estate,
        fault: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ca = directory.path().join("ca.pem");
        let acceptor = Arc::new(acceptor(&ca));
        let secure = TcpListener::bind("127.0.0.1:0").unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = secure.local_addr().unwrap().to_string();
        let metadata = format!("http://{}", plain.local_addr().unwrap());
        let shared = Arc::new(Shared {
            estate,
            fault: Box::new(fault),
            requests: Mutex::default(),
            running: AtomicUsize::new(0),
            tokens: AtomicUsize::new(0),
            authority: authority.clone(),
            ended: false.into(),
        });
        let for_secure = Arc::clone(&shared);
        std::thread::spawn(move || {
            for tcp in secure.incoming().map_while(Result::ok) {
                let (acceptor, shared) = (Arc::clone(&acceptor), Arc::clone(&for_secure));
                if shared.ended.load(Ordering::Relaxed) {
                    return;
                }
                std::thread::spawn(move || {
                    tcp.set_nodelay(true).unwrap();
                    let raw = tcp.try_clone().unwrap();
                    if let Ok(stream) = acceptor.accept(tcp) {
                        serve(stream, &raw, &shared, true);
                    }
                });
            }
        });
        let for_plain = Arc::clone(&shared);
        std::thread::spawn(move || {
            for tcp in plain.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&for_plain);
                std::thread::spawn(move || serve(tcp.try_clone().unwrap(), &tcp, &shared, false));
            }
        });
        let origin = format!("https://{authority}");
        Self { origin, metadata, ca, _directory: directory, shared }
    }

    /// All requests, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The requests of Resource Manager, without those for tokens.
    pub fn gets(&self) -> Vec<Request> {
        let all = self.requests().into_iter();
        all.filter(|request| request.path.starts_with("/subscriptions/")).collect()
    }

    /// How many tokens were given out.
    pub fn tokens(&self) -> usize {
        self.shared.tokens.load(Ordering::Relaxed)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        TcpStream::connect(&self.shared.authority).ok();
    }
}

fn serve(stream: impl Read + Write, raw: &TcpStream, shared: &Shared, is_secure: bool) {
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read_request(&mut reader) {
        request.at_once = shared.running.fetch_add(1, Ordering::SeqCst) + 1;
        {
            let mut all = shared.requests.lock().unwrap();
            request.earlier = all.iter().filter(|other| other.path == request.path).count();
            all.push(request.clone());
        }
        std::thread::sleep(shared.estate.latency);
        let reply = (shared.fault)(&request).unwrap_or_else(|| answer(&request, shared, is_secure));
        shared.running.fetch_sub(1, Ordering::SeqCst);
        if !send(reader.get_mut(), raw, &reply, shared) {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (decode(name).to_ascii_lowercase(), decode(value)));
    Some(Request {
        path: decode(path).to_lowercase(),
        query: query.collect(),
        method,
        target,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        at_once: 0,
        earlier: 0,
        at: Instant::now(),
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(first);
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn answer(request: &Request, shared: &Shared, is_secure: bool) -> Reply {
    let is_login = request.path.ends_with("/oauth2/v2.0/token");
    if is_login && request.method == "POST" && is_secure {
        return token(shared, false);
    }
    if request.method != "GET" {
        return Reply::error(405, "MethodNotAllowed", "nothing but GET");
    }
    if request.path == "/metadata/identity/oauth2/token" {
        let is_marked = request.headers.get("metadata").is_some_and(|value| value == "true");
        return if is_marked && !is_secure { token(shared, true) } else { Reply::text(400, "") };
    }
    if let Some(tenant) = request.path.strip_suffix("/v2.0/.well-known/openid-configuration") {
        let base = format!("https://{}{tenant}", shared.authority);
        return Reply::json(
            200,
            &json!({ "token_endpoint": format!("{base}/oauth2/v2.0/token"), "issuer": format!("{base}/v2.0"),
                "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize") }),
        );
    }
    let authorization = request.headers.get("authorization").map_or("", String::as_str);
    if !authorization.starts_with(&format!("Bearer {CANARY}")) {
        return Reply::error(401, "InvalidAuthenticationToken", "The access token is invalid.");
    }
    if !request.query.contains_key("api-version") {
        return Reply::error(400, "MissingApiVersionParameter", "The api-version is required.");
    }
    shared.estate.reply(request, &format!("https://{}", shared.authority))
}

fn token(shared: &Shared, as_texts: bool) -> Reply {
    let number = shared.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    let token = format!("{CANARY}.issued.{number}");
    let body = if as_texts {
        json!({ "access_token": token, "expires_in": "86399", "expires_on": "4102444800",
            "resource": "https://management.azure.com/", "token_type": "Bearer" })
    } else {
        json!({ "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token })
    };
    Reply::json(200, &body)
}

/// Sends a reply; false when the connection cannot be used again.
fn send(stream: &mut impl Write, raw: &TcpStream, reply: &Reply, shared: &Shared) -> bool {
    match reply.delivery {
        Delivery::Reset => {
            rustix::net::sockopt::set_socket_linger(raw, Some(Duration::ZERO)).ok();
            raw.shutdown(std::net::Shutdown::Both).ok();
            return false;
        }
        Delivery::Silence => {
            std::thread::sleep(Duration::from_secs(60));
            return false;
        }
        _ => {}
    }
    let mut head = format!("HTTP/1.1 {} X\r\n", reply.status);
    let has = |name: &str| reply.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let mut fields = vec![
        ("Content-Length", reply.body.len().to_string()),
        ("Content-Type", "application/json; charset=utf-8".to_owned()),
        ("x-ms-request-id", "b1e2 11/20/2026 8:00:00 AM, b1e2".to_owned()),
        ("x-ms-correlation-request-id", "5f1c2d3e-0000-4000-8000-000000000001".to_owned()),
    ];
    if !has("date") {
        fields.push(("Date", shared.estate.date.clone()));
    }
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = format!("{head}\r\n").into_bytes();
    bytes.extend(&reply.body);
    match reply.delivery {
        Delivery::CutOff => {
            let half = bytes.len() - reply.body.len().div_ceil(2);
            stream.write_all(&bytes[..half]).ok();
            stream.flush().ok();
            raw.shutdown(std::net::Shutdown::Both).ok();
            false
        }
        Delivery::Drip => {
            for byte in bytes {
                if stream.write_all(&[byte]).is_err() {
                    return false;
                }
                stream.flush().ok();
                std::thread::sleep(Duration::from_millis(100));
            }
            true
        }
        _ => stream.write_all(&bytes).and_then(|()| stream.flush()).is_ok(),
    }
}

/// Makes an authority, writes its certificate, and returns a server with a certificate of it.
fn acceptor(ca: &std::path::Path) -> SslAcceptor {
    let (authority_key, server_key) = (key(), key());
    let authority = certificate("stand-in authority", &authority_key, None);
    let server = certificate("127.0.0.1", &server_key, Some((&authority, &authority_key)));
    std::fs::write(ca, authority.to_pem().unwrap()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
    acceptor.set_private_key(&server_key).unwrap();
    acceptor.set_certificate(&server).unwrap();
    acceptor.build()
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn certificate(name: &str, key: &PKey<Private>, by: Option<(&X509, &PKey<Private>)>) -> X509 {
    let mut subject = X509Name::builder().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(by.map_or(&subject, |(issuer, _)| issuer.subject_name())).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    let context = builder.x509v3_context(by.map(|(issuer, _)| &**issuer), None);
    let mut extensions = vec![SubjectKeyIdentifier::new().build(&context).unwrap()];
    match by {
        None => {
            extensions.push(BasicConstraints::new().critical().ca().build().unwrap());
            extensions.push(KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap());
        }
        Some(_) => {
            extensions.push(AuthorityKeyIdentifier::new().keyid(true).build(&context).unwrap());
            extensions.push(ExtendedKeyUsage::new().server_auth().build().unwrap());
            let names =
                SubjectAlternativeName::new().ip("127.0.0.1").dns("localhost").build(&context);
            extensions.push(names.unwrap());
        }
    }
    for extension in extensions {
        builder.append_extension(extension).unwrap();
    }
    builder.sign(by.map_or(key, |(_, key)| key), MessageDigest::sha256()).unwrap();
    builder.build()
}
