//! As much of HTTP/1.1 as a client of one service needs: one request and one bounded answer, on a
//! stream that is already open.
//!
//! Not for following redirects, nor for what an answer's body means.

use std::io::{self, Read, Write};

use crate::secret::Secret;

/// The most bytes of a status line and header fields.
pub const MAX_HEAD: usize = 64 * 1024;

/// The most bytes of all answers of one session: about fifty thousand virtual machines.
pub const MAX_SESSION: usize = 512 * 1024 * 1024;

/// One request. Bodies and header fields can be secrets, so there is no `Debug`.
pub struct HttpRequest<'r> {
    /// The path and the query, percent-encoded, such as `/sdk`.
    pub path: &'r str,
    /// The host and port it is for.
    pub host: &'r str,
    /// Header fields beside those of the content, by name and value.
    pub headers: &'r [(&'r str, &'r str)],
    /// The header field that says who asks, by name and value.
    pub secret_header: Option<(&'r str, &'r Secret)>,
    /// The name of the cookie that opens a session; none for a service without sessions.
    pub session_cookie: Option<&'r str>,
    /// The content of a `POST`; a `GET` has none.
    pub content: Option<Content<'r>>,
}

/// How much of an answer is read.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// The most bytes of its body.
    pub body: usize,
    /// The most bytes of the whole answer, which is what is left of a session.
    pub total: usize,
}

/// The content of a request.
#[derive(Clone, Copy)]
pub struct Content<'r> {
    /// Header fields that describe it, by name and value.
    pub headers: &'r [(&'r str, &'r str)],
    /// The body.
    pub body: &'r str,
}

/// One answer.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status, such as 200.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The type of the body, lower case.
    pub content_type: String,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// The session it opens.
    pub session: Option<Secret>,
    /// Its header fields by name in lower case, without those that set cookies.
    pub headers: Vec<(String, String)>,
    /// The body, without its transfer coding.
    pub body: Vec<u8>,
    /// Whether the stream cannot be used again.
    pub closes: bool,
    /// How many bytes of it were read.
    pub read: usize,
}

impl HttpResponse {
    /// Returns the first value of a header field, whose name is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter().filter(|(known, _)| known == name);
        fields.next().map(|(_, value)| value.as_str())
    }
}

/// Whether an error means that a kept connection was closed.
pub fn is_stale(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::UnexpectedEof
    )
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The stream failed.
    #[error("the connection broke")]
    Io(#[from] io::Error),
    /// The stream ended after so many bytes of the answer.
    #[error("the connection was closed after {0} bytes of the answer")]
    Closed(usize),
    /// The answer does not begin like HTTP.
    #[error("the answer begins with {0:?}, which is not HTTP")]
    NotHttp(String),
    /// More than [`MAX_HEAD`].
    #[error("the answer's header has more than {MAX_HEAD} bytes")]
    HeadTooLong,
    /// More than [`ReadLimits::body`].
    #[error("the answer has more than {0} bytes")]
    BodyTooLong(usize),
    /// More than was left of [`MAX_SESSION`].
    #[error("the server's answers have more than {} MiB altogether", MAX_SESSION >> 20)]
    SessionTooLong,
    /// The length of the body, or of a part of it, makes no sense.
    #[error("the answer's length is given as {0:?}")]
    Length(String),
}

/// Sends a request and reads its answer within limits.
///
/// # Errors
///
/// Fails when the stream does, and as soon as the answer is not HTTP or is longer than allowed.
pub fn exchange(
    stream: &mut (impl Read + Write + ?Sized),
    request: &HttpRequest<'_>,
    limits: ReadLimits,
) -> Result<HttpResponse, HttpError> {
    let field = |(name, value): &(&str, &str)| format!("{name}: {value}\r\n");
    let mut headers: String = request.headers.iter().map(field).collect();
    let (method, body) = match request.content {
        None => ("GET", ""),
        Some(Content { headers: own, body }) => {
            headers.extend(own.iter().map(field));
            headers.push_str(&format!("Content-Length: {}\r\n", body.len()));
            ("POST", body)
        }
    };
    let secret = request
        .secret_header
        .map(|(name, value)| Secret::new(format!("{name}: {}\r\n", value.expose())));
    let secret = secret.as_ref().map_or("", Secret::expose);
    // One buffer and one write: head and body leave in the same record. It can hold a password.
    let whole = Secret::new(format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: preflight/{}\r\n{headers}{secret}\r\n{body}",
        request.path,
        request.host,
        env!("CARGO_PKG_VERSION"),
    ));
    stream.write_all(whole.expose().as_bytes())?;
    stream.flush()?;
    read(stream, request.session_cookie, limits)
}

/// Reads one answer.
fn read(
    stream: &mut (impl Read + ?Sized),
    session_cookie: Option<&str>,
    limits: ReadLimits,
) -> Result<HttpResponse, HttpError> {
    let mut reader = ResponseReader { stream, buffer: Vec::new(), read: 0, limits };
    loop {
        let head = Head::parse(&reader.head()?, session_cookie)?;
        // An interim answer comes before the real one.
        if (100..200).contains(&head.status) {
            continue;
        }
        let bare = matches!(head.status, 204 | 304);
        let (body, framed) = match (bare, head.chunked, head.length) {
            (true, ..) => (Vec::new(), true),
            (_, true, _) => (reader.chunks()?, true),
            (_, false, Some(length)) => (reader.exactly(length)?, true),
            (_, false, None) => (reader.rest()?, false),
        };
        return Ok(HttpResponse {
            read: reader.read,
            closes: head.closes || !framed || !reader.buffer.is_empty(),
            status: head.status,
            reason: head.reason,
            content_type: head.content_type,
            location: head.location,
            session: head.session,
            headers: head.fields,
            body,
        });
    }
}

#[derive(Default)]
struct Head {
    status: u16,
    reason: String,
    content_type: String,
    location: Option<String>,
    session: Option<Secret>,
    fields: Vec<(String, String)>,
    chunked: bool,
    length: Option<usize>,
    closes: bool,
}

impl Head {
    fn parse(bytes: &[u8], session_cookie: Option<&str>) -> Result<Self, HttpError> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let not_http = || HttpError::NotHttp(first.chars().take(60).collect());
        let rest = first.strip_prefix("HTTP/1.").ok_or_else(not_http)?;
        let mut words = rest.splitn(3, ' ');
        let minor = words.next();
        let status = words.next().and_then(|word| word.parse().ok()).ok_or_else(not_http)?;
        let mut head = Self {
            status,
            reason: words.next().unwrap_or_default().trim().to_owned(),
            closes: minor == Some("0"),
            ..Self::default()
        };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let name = name.trim().to_ascii_lowercase();
            head.field(&name, value.trim(), session_cookie)?;
            if name != "set-cookie" {
                head.fields.push((name, value.trim().to_owned()));
            }
        }
        Ok(head)
    }

    fn field(
        &mut self,
        name: &str,
        value: &str,
        session_cookie: Option<&str>,
    ) -> Result<(), HttpError> {
        match name {
            "content-type" => self.content_type = value.to_ascii_lowercase(),
            "location" => self.location = Some(value.to_owned()),
            "connection" => {
                let value = value.to_ascii_lowercase();
                self.closes = value.contains("close") || self.closes && value != "keep-alive";
            }
            "transfer-encoding" => self.chunked = value.to_ascii_lowercase().contains("chunked"),
            "content-length" => {
                let length = value.parse().map_err(|_| HttpError::Length(value.to_owned()))?;
                if self.length.is_some_and(|other| other != length) {
                    return Err(HttpError::Length(value.to_owned()));
                }
                self.length = Some(length);
            }
            "set-cookie" => {
                let pair = value.split(';').next().unwrap_or_default();
                if let Some((name, session)) = pair.split_once('=')
                    && Some(name) == session_cookie
                {
                    self.session = Some(Secret::new(session.trim().to_owned()));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A stream, with the bytes that were read of it and not used yet.
struct ResponseReader<'s, S: ?Sized> {
    stream: &'s mut S,
    buffer: Vec<u8>,
    read: usize,
    limits: ReadLimits,
}

impl<S: Read + ?Sized> ResponseReader<'_, S> {
    /// Reads some more; false at the end of the stream.
    fn read_more(&mut self) -> Result<bool, HttpError> {
        let mut part = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut part) {
                Ok(count) => {
                    self.buffer.extend_from_slice(&part[..count]);
                    self.read += count;
                    if self.read > self.limits.total {
                        return Err(HttpError::SessionTooLong);
                    }
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn need_more(&mut self) -> Result<(), HttpError> {
        if self.read_more()? { Ok(()) } else { Err(HttpError::Closed(self.read)) }
    }

    /// Takes the first bytes out of the buffer.
    fn take(&mut self, count: usize) -> Vec<u8> {
        self.buffer.drain(..count).collect()
    }

    fn too_long(&self) -> HttpError {
        HttpError::BodyTooLong(self.limits.body)
    }

    fn head(&mut self) -> Result<Vec<u8>, HttpError> {
        loop {
            if let Some(end) = find_bytes(&self.buffer, b"\r\n\r\n") {
                return Ok(self.take(end + 4));
            }
            // What is not HTTP need not be read to an end that may never come.
            let start = &self.buffer[..self.buffer.len().min(5)];
            if !b"HTTP/".starts_with(start) {
                return Err(HttpError::NotHttp(
                    String::from_utf8_lossy(&self.buffer).chars().take(60).collect(),
                ));
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(HttpError::HeadTooLong);
            }
            self.need_more()?;
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, HttpError> {
        if length > self.limits.body {
            return Err(self.too_long());
        }
        while self.buffer.len() < length {
            self.need_more()?;
        }
        Ok(self.take(length))
    }

    fn rest(&mut self) -> Result<Vec<u8>, HttpError> {
        while self.read_more()? {
            if self.buffer.len() > self.limits.body {
                return Err(self.too_long());
            }
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    fn chunks(&mut self) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let size = line.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16)
                .map_err(|_| HttpError::Length(line.chars().take(20).collect()))?;
            if size > self.limits.body - body.len() {
                return Err(self.too_long());
            }
            if size == 0 {
                // Trailers, up to an empty line.
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            body.extend(self.exactly(size)?);
            if !self.line()?.is_empty() {
                return Err(HttpError::Length(format!("a chunk longer than its {size} bytes")));
            }
        }
    }

    fn line(&mut self) -> Result<String, HttpError> {
        loop {
            if let Some(end) = find_bytes(&self.buffer, b"\r\n") {
                let line = self.take(end + 2);
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(HttpError::HeadTooLong);
            }
            self.need_more()?;
        }
    }
}

fn find_bytes(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ReadLimits = ReadLimits { body: 16 * 1024 * 1024, total: MAX_SESSION };

    /// A stream that gives its bytes one by one, so that every boundary is crossed.
    struct Dripping<'b>(&'b [u8]);

    impl Read for Dripping<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((&first, rest)) = self.0.split_first() else { return Ok(0) };
            (into[0], self.0) = (first, rest);
            Ok(1)
        }
    }

    fn answer(bytes: &[u8]) -> Result<HttpResponse, HttpError> {
        read(&mut Dripping(bytes), Some("session"), LIMITS)
    }

    #[test]
    fn an_answer_is_read_whichever_way_its_end_is_told() {
        for (text, body, closes) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", false),
            ("HTTP/1.1 200\r\ncontent-length:3\r\n\r\nabc", "abc", false),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "",
                false,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n",
                "abc",
                false,
            ),
            ("HTTP/1.1 200 OK\r\n\r\nabc", "abc", true),
            ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", true),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc", "abc", true),
            ("HTTP/1.1 204 No Content\r\n\r\n", "", false),
        ] {
            let response = answer(text.as_bytes()).unwrap();
            assert_eq!(response.body, body.as_bytes(), "{text:?}");
            assert_eq!(response.closes, closes, "{text:?}");
        }
    }

    #[test]
    fn a_session_is_taken_from_its_cookie_and_not_shown() {
        let text = "HTTP/1.1 302 Found\r\nLocation: /ui\r\nSet-Cookie: other=1\r\n\
                    Set-Cookie: session=\"52ab\"; Path=/; HttpOnly\r\nContent-Length: 0\r\n\r\n";
        let response = answer(text.as_bytes()).unwrap();
        assert_eq!(response.session.as_ref().unwrap().expose(), "\"52ab\"");
        assert_eq!(response.location.as_deref(), Some("/ui"));
        assert!(!format!("{response:?}").contains("52ab"));
    }

    #[test]
    fn what_is_cut_short_too_long_or_not_http_is_told() {
        let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(MAX_HEAD));
        let many = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1_u64 << 30);
        for (text, expected) in [
            ("", "the connection was closed after 0 bytes of the answer"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
                "the connection was closed after 40 bytes",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                "the connection was closed",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "length is given as \"zz\"",
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n", "has more than"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "a chunk longer"),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "length is given as \"-1\""),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "length is given",
            ),
            ("SSH-2.0-OpenSSH_9.2\r\n", "which is not HTTP"),
            ("HTTP/1.1 many\r\n\r\n", "which is not HTTP"),
            (&long, "header has more than"),
            (&many, "the answer has more than"),
        ] {
            let error = answer(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{:.60?}: {error}", text);
        }
    }

    #[test]
    fn a_body_without_an_end_is_given_up_at_its_limit() {
        struct Endless(u64);
        impl Read for Endless {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                self.0 += into.len() as u64;
                into.fill(b'x');
                Ok(into.len())
            }
        }
        let mut endless = io::Cursor::new(b"HTTP/1.1 200 OK\r\n\r\n").chain(Endless(0));
        let read = read(&mut endless, Some("session"), LIMITS);
        assert!(matches!(read, Err(HttpError::BodyTooLong(..))));
        assert!(endless.get_ref().1.0 < 2 * LIMITS.body as u64);
    }

    #[test]
    fn no_answer_takes_more_than_is_left_of_the_session() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n",
            "HTTP/1.1 200 OK\r\nX: ",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        ] {
            let mut endless = text.as_bytes().chain(io::repeat(b'x').take(200));
            let limits = ReadLimits { total: text.len() + 50, ..LIMITS };
            let error = read(&mut endless, Some("session"), limits).unwrap_err();
            assert!(matches!(error, HttpError::SessionTooLong), "{text:?}: {error}");
        }
        let whole = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let limits = ReadLimits { total: whole.len(), ..LIMITS };
        let read = read(&mut whole.as_bytes(), Some("session"), limits).unwrap();
        assert_eq!(read.read, whole.len());
    }
}
