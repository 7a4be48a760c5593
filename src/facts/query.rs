//! What a host was asked about, held against what an evaluation asks: an answer counts only for the
//! question that was asked.
//!
//! The script prints what it was told, so that every capture carries it, whoever ran the script. A
//! capture from before that is read as far as its answers name what they are about. Not for what
//! vSphere servers are asked about: that is `question`.

use super::address::{self, ServerAddress};
use super::file;
use super::network::ports;
use super::probe::{Parameter, Probe, ProbeEnv, ProbeName};
use super::storage::retention;
use super::transcript::{ProbeAnswer, Transcript};

const QUERY: ProbeName = ProbeName::new("query");

/// What the script was told, one line for each parameter and server:
///
/// ```text
/// retention /mnt/retention
/// configuration-server cs01 443
/// process-server ps01 9443
/// vcenter vc01 443
/// ```
pub const PROBES: &[Probe] = &[Probe::new(
    QUERY,
    r#"
printf 'retention %s\n' "$RETENTION"
[ -z "$CS" ] || printf 'configuration-server %s 443\n' "$CS"
tell() {
  printf '%s\n' "$2" | while read -r address port; do
    [ -z "$address" ] || printf '%s %s %s\n' "$1" "$address" "$port"
  done
}
tell process-server "$PROCESS_SERVERS"
tell vcenter "$VCENTERS"
exit 0
"#,
)];

/// What a host was asked about; nothing where the capture does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryRecord {
    /// The path of the retention volume.
    pub retention: Option<String>,
    /// The configuration server; an empty list when nobody named one.
    pub configuration_server: Option<Vec<ServerAddress>>,
    /// The process servers.
    pub process_servers: Option<Vec<ServerAddress>>,
    /// The vCenter servers.
    pub vcenters: Option<Vec<ServerAddress>>,
}

impl QueryRecord {
    /// Reads what a host was asked about out of its transcript.
    pub fn from_transcript(transcript: &Transcript) -> Self {
        // What is there and cannot be read tells nothing; only a capture from before is read otherwise.
        if transcript.was_asked(QUERY) {
            let text = file::complete_text(transcript, QUERY).ok();
            return text.and_then(Self::parse).unwrap_or_default();
        }
        let path = transcript.text(retention::PATH).ok();
        let text = transcript.text(ports::PORTS).ok();
        let servers = |role: &str| {
            let found = ports::servers_with_role(text?, role);
            (!found.is_empty()).then_some(found)
        };
        Self {
            retention: path.map(|path| path.trim_end_matches('\n').to_owned()),
            configuration_server: servers("configuration-server"),
            process_servers: servers("process-server"),
            vcenters: servers("vcenter"),
        }
    }

    /// Reads what the probe prints; nothing when it has a line that the probe does not print, or not
    /// exactly one path.
    fn parse(text: &str) -> Option<Self> {
        let is_own = |line: &str| {
            let words = ["retention ", "configuration-server ", "process-server ", "vcenter "];
            words.iter().any(|word| line.starts_with(word))
        };
        let mut paths = text.lines().filter_map(|line| line.strip_prefix("retention "));
        let (retention, None) = (paths.next()?, paths.next()) else { return None };
        if text.lines().any(|line| !is_own(line)) {
            return None;
        }
        let servers = |role: &str| {
            let lines = text.lines().filter_map(|line| line.strip_prefix(role)?.strip_prefix(' '));
            lines
                .filter_map(|line| line.rsplit_once(' '))
                .filter_map(|(address, port)| Some((address.to_owned(), port.parse().ok()?)))
                .collect()
        };
        Some(Self {
            retention: Some(retention.to_owned()),
            configuration_server: Some(servers("configuration-server")),
            process_servers: Some(servers("process-server")),
            vcenters: Some(servers("vcenter")),
        })
    }

    /// What an evaluation asks about ports; the servers of a role of which it names none are those
    /// that the host was asked about, each of which must have its line.
    fn port_env(&self, env: &ProbeEnv) -> ProbeEnv {
        let named = |now: &[ServerAddress], asked: &Option<Vec<ServerAddress>>| match now {
            [] => asked.clone().unwrap_or_default(),
            now => now.to_vec(),
        };
        ProbeEnv {
            process_servers: named(&env.process_servers, &self.process_servers),
            vcenters: named(&env.vcenters, &self.vcenters),
            ..env.clone()
        }
    }

    /// Why answers that depend on a parameter do not count for what an evaluation asks; nothing
    /// when they do. What the evaluation does not name is taken as it was asked.
    fn mismatch(&self, env: &ProbeEnv, parameter: Parameter) -> Option<String> {
        let servers = |asked: &Option<Vec<ServerAddress>>, wanted: &[ServerAddress]| {
            let all = |of: &[ServerAddress]| {
                let mut all: Vec<ServerAddress> =
                    of.iter().map(|(name, port)| (address::canonical(name), *port)).collect();
                all.sort();
                all
            };
            if wanted.is_empty() || asked.as_deref().map(all) == Some(all(wanted)) {
                return None;
            }
            Some(address::mismatch_reason(
                asked.as_deref().map(address::join_servers).as_deref(),
                &address::join_servers(wanted),
            ))
        };
        match parameter {
            Parameter::Retention => {
                let wanted = env.retention.as_deref()?;
                let asked = self.retention.as_deref();
                let same = asked.is_some_and(|asked| is_same_path(asked, wanted));
                (!same).then(|| address::mismatch_reason(asked, wanted))
            }
            Parameter::ConfigurationServer => {
                servers(&self.configuration_server, &env.configuration_servers())
            }
            Parameter::ProcessServers => servers(&self.process_servers, &env.process_servers),
            Parameter::Vcenters => servers(&self.vcenters, &env.vcenters),
        }
    }
}

/// The transcript as it counts for an evaluation that asks about `env`: an answer of `probes` that
/// was given about something else is unavailable, with the reason.
///
/// The answer about ports names the server in every line, so that each line counts for itself.
pub fn apply_query(mut transcript: Transcript, env: &ProbeEnv, probes: &[Probe]) -> Transcript {
    let record = QueryRecord::from_transcript(&transcript);
    for probe in probes.iter().filter(|probe| probe.name() != QUERY) {
        let instead = if probe.name() == ports::PORTS {
            let Ok(text) = transcript.text(ports::PORTS) else { continue };
            let text = ports::apply_query(text, &record.port_env(env));
            Ok(ProbeAnswer { status: 0, text })
        } else {
            let mismatch = probe.parameters().find_map(|of| record.mismatch(env, of));
            let Some(reason) = mismatch else { continue };
            Err(reason.into())
        };
        transcript.overrides.replaced.insert(probe.name.to_string(), instead);
    }
    transcript
}

/// Whether two paths name one place without a look at any file system.
pub fn is_same_path(a: &str, b: &str) -> bool {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
    };
    a.starts_with('/') == b.starts_with('/') && parts(a) == parts(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::tests::guest_transcript;

    const PORTS: &str = "agent cs01\nport configuration-server cs01 443 open yes 200 \n\
                         port process-server ps01 9443 open yes 400 \n";

    fn retention() -> Vec<Probe> {
        vec![
            Probe::new(ProbeName::new("retention"), "df $RETENTION"),
            Probe::new(ProbeName::new("os"), "uname"),
        ]
    }

    fn reason_of(transcript: &Transcript, env: &ProbeEnv) -> Option<String> {
        let read = apply_query(transcript.clone(), env, &retention());
        assert!(read.answer(ProbeName::new("os")).is_ok());
        read.answer(ProbeName::new("retention")).err().map(|why| why.reason)
    }

    #[test]
    fn an_answer_about_another_path_does_not_count() {
        let with = |query: &str| {
            guest_transcript(&[("query", 0, query), ("retention", 0, "df"), ("os", 0, "Linux")])
        };
        let wanted = |path: &str| ProbeEnv { retention: Some(path.into()), ..Default::default() };
        let recorded = with("retention /mnt/retention\n");
        for path in ["/mnt/retention", "/mnt/retention/", "//mnt/./retention//"] {
            assert_eq!(reason_of(&recorded, &wanted(path)), None, "{path}");
        }
        for path in ["/data/ret", "/mnt/retention2", "/mnt", "/mnt/Retention", "mnt/retention", "/"]
        {
            let reason = format!("the host was asked about /mnt/retention, not about {path}");
            assert_eq!(reason_of(&recorded, &wanted(path)), Some(reason));
        }
        // Who names no path takes what was asked, and a capture that does not tell answers nobody
        // who does.
        assert_eq!(reason_of(&recorded, &ProbeEnv::default()), None);
        let silent = guest_transcript(&[("retention", 0, "df"), ("os", 0, "Linux")]);
        assert_eq!(reason_of(&silent, &ProbeEnv::default()), None);
        assert_eq!(
            reason_of(&silent, &wanted("/mnt/retention")).unwrap(),
            "nothing tells whether the host was asked about /mnt/retention"
        );
        // A capture from before the record names its path in another answer.
        let old = guest_transcript(&[
            ("retention-path", 0, "/mnt/retention\n"),
            ("retention", 0, "df"),
            ("os", 0, "Linux"),
        ]);
        assert_eq!(reason_of(&old, &wanted("/mnt/retention/")), None);
        assert!(reason_of(&old, &wanted("/data")).is_some());
    }

    #[test]
    fn a_probe_over_servers_counts_for_exactly_those() {
        let probes = [
            Probe::new(ProbeName::new("own-x"), "try $CS"),
            Probe::new(ProbeName::new("own-y"), "try $PROCESS_SERVERS"),
        ];
        let query = "retention /r\nconfiguration-server cs01 443\nprocess-server ps01 9443\n\
                     process-server fe80::1 443\n";
        let transcript =
            guest_transcript(&[("query", 0, query), ("own-x", 0, ""), ("own-y", 0, "")]);
        let counts = |cs: Option<&str>, ps: &[(&str, u16)]| {
            let env = ProbeEnv {
                configuration_server: cs.map(str::to_owned),
                process_servers: ps.iter().map(|(a, p)| ((*a).to_owned(), *p)).collect(),
                ..ProbeEnv::default()
            };
            let read = apply_query(transcript.clone(), &env, &probes);
            ["own-x", "own-y"].map(|probe| read.answer(ProbeName::new(probe)).is_ok())
        };
        assert_eq!(counts(None, &[]), [true, true]);
        assert_eq!(counts(Some("CS01."), &[("FE80:0::1", 443), ("ps01", 9443)]), [true, true]);
        assert_eq!(counts(Some("cs02"), &[("ps01", 9443)]), [false, false]);
        assert_eq!(counts(Some("cs01"), &[("ps01", 9444), ("fe80::1", 443)]), [true, false]);
    }

    #[test]
    fn a_capture_without_a_record_is_read_as_far_as_its_answers_name_it() {
        let old = guest_transcript(&[("ports", 0, PORTS), ("retention-path", 0, "/r\n")]);
        let record = QueryRecord::from_transcript(&old);
        assert_eq!(record.retention.as_deref(), Some("/r"));
        assert_eq!(record.configuration_server, Some(vec![("cs01".to_owned(), 443)]));
        assert_eq!(record.process_servers, Some(vec![("ps01".to_owned(), 9443)]));
        assert_eq!(record.vcenters, None);
        assert_eq!(QueryRecord::from_transcript(&guest_transcript(&[])), QueryRecord::default());
    }

    #[test]
    fn a_record_that_cannot_be_read_tells_nothing() {
        let good = "retention /r\nprocess-server ps01 9443\n";
        for (status, query, known) in [
            (0, good.to_owned(), true),
            (0, format!("{good}Segmentation fault\n"), false),
            (0, format!("sh: printf: not found\n{good}"), false),
            (0, good.trim_end().to_owned(), false),
            (0, format!("{good}{good}"), false),
            (0, "process-server ps01 9443\n".to_owned(), false),
            (1, good.to_owned(), false),
            (124, String::new(), false),
        ] {
            // The path in another answer is for captures that have no record at all.
            let transcript =
                guest_transcript(&[("query", status, &query), ("retention-path", 0, "/r\n")]);
            let record = QueryRecord::from_transcript(&transcript);
            assert_eq!(record.retention.is_some(), known, "{status} {query:?}");
            assert_eq!(record == QueryRecord::default(), !known, "{status} {query:?}");
        }
    }

    #[test]
    fn a_server_that_was_asked_about_and_has_no_line_is_missed() {
        let query = "retention /r\nprocess-server ps01 9443\nprocess-server ps02 9443\n\
                     vcenter vc01 443\n";
        let transcript = guest_transcript(&[("query", 0, query), ("ports", 0, PORTS)]);
        let read = apply_query(transcript, &ProbeEnv::default(), ports::PROBES);
        let facts = ports::parse(read.text(ports::PORTS).unwrap());
        let known = |list: &crate::facts::Collection<ports::PortFacts>| {
            let items = list.items.iter();
            items
                .map(|port| (port.address.clone(), port.state.known().is_some()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            known(&facts.process_servers),
            [("ps01".to_owned(), true), ("ps02".to_owned(), false)]
        );
        assert_eq!(known(&facts.vcenters), [("vc01".to_owned(), false)]);
    }

    #[test]
    fn the_script_tells_what_it_was_told() {
        use crate::facts::script::{Nonce, assemble, parse_output};
        let env = ProbeEnv {
            retention: Some("/mnt/a b".to_owned()),
            configuration_server: Some("cs01".to_owned()),
            process_servers: vec![("ps01".to_owned(), 9443), ("fe80::1".to_owned(), 443)],
            vcenters: Vec::new(),
        };
        let nonce = Nonce::from_bytes([7; 16]);
        let text = assemble(PROBES, &env, &nonce);
        let output = std::process::Command::new("sh").arg("-c").arg(&text).output().unwrap();
        let answers = parse_output(&String::from_utf8(output.stdout).unwrap(), Some(&nonce));
        assert_eq!(
            QueryRecord::parse(&answers.by_probe["query"].text).unwrap(),
            QueryRecord {
                retention: env.retention.clone(),
                configuration_server: Some(vec![("cs01".to_owned(), 443)]),
                process_servers: Some(env.process_servers.clone()),
                vcenters: Some(Vec::new()),
            }
        );
    }
}
