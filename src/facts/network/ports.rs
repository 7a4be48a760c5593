//! Which ports of other servers a host reaches, asked from its own shell: a port that is open from
//! the operator's desk proves nothing about the host.
//!
//! TCP, TLS and HTTP are told apart, for a firewall lets the first through and a dead service
//! still has it. Not for ports of the host itself.

use schemars::JsonSchema;
use serde::Serialize;

pub use super::port_state::PortState;
use super::server_seen::{ServerSeen, ServerView};
use crate::facts::address::{self, ServerAddress};
use crate::facts::agent::unified_agent::{self, AgentFacts, installation};
use crate::facts::probe::{Probe, ProbeEnv, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable, file};

/// The name of the probe.
pub const PORTS: ProbeName = ProbeName::new("ports");

/// Where the agent keeps which configuration server it belongs to (agent, drscout.conf).
///
/// Each server is asked in a subshell of its own, all at the same time, so that several ports
/// behind a firewall that drops packets cost one time limit. Every line is printed whole by one
/// `printf`, so that no two mingle.
///
/// ```text
/// agent CS01                               what drscout.conf names
/// at ROLE ADDRESS PORT IP...               what the name resolves to here
/// port ROLE ADDRESS PORT STATE TLS HTTP TEXT
/// ```
pub const PROBES: &[Probe] = &[Probe::quick(
    PORTS,
    concat!(
        installation!(),
        r#"
agent= state=unreadable
[ -z "$dir" ] || setting "$conf" '[Hh][Oo][Ss][Tt][Nn][Aa][Mm][Ee]'
case $state in
  yes) agent=$value; printf 'agent %s\n' "${agent:--}";;
  no) echo 'agent -';;
  *) printf 'agent-%s %s\n' "$state" "$conf";;
esac
speak() {
  case $1 in *:*) peer="[$1]:$2";; *) peer="$1:$2";; esac
  asked=
  if command -v curl >/dev/null 2>&1; then
    said=$(limit 4 curl -q -gsk -m 3 --noproxy '*' -o /dev/null \
      -w '%{http_code} %{time_appconnect}' "https://$peer/" 2>/dev/null); rc=$?
    case $said in [1-9][0-9][0-9]' '*) printf 'yes %s' "${said%% *}"; return;; esac
    case $rc:${said##* } in
      # A curl without TLS or without these options has not asked.
      1:*|2:*|4:*) ;;
      0:*|*:*[1-9]*) printf 'yes 000'; return;;
      *) asked=1;;
    esac
  fi
  # The TLS of an old curl is older than that of its neighbour.
  if command -v openssl >/dev/null 2>&1; then
    asked=1
    # Standard input stays open for as long as an answer may take, also where nothing can limit it.
    said=$({ printf 'GET / HTTP/1.0\r\n\r\n'; sleep 2; } |
      limit 4 openssl s_client -connect "$peer" 2>/dev/null | head -c 65536)
    case $said in
      *'BEGIN CERTIFICATE'*)
        http=${said#*HTTP/1.[01] }; http=${http%%[!0-9]*}
        case $http in [1-9][0-9][0-9]) ;; *) http=000;; esac
        printf 'yes %s' "$http"; return;;
    esac
  fi
  if [ -n "$asked" ]; then printf 'no 000'; else printf 'not-asked 000'; fi
}
ask() {
  case $2 in -*|*[!A-Za-z0-9.:_-]*|'') printf 'port %s ? 0 unknown not-asked 000 no address\n' "$1"; return;; esac
  case $3 in *[!0-9]*|'') printf 'port %s %s 0 unknown not-asked 000 no port\n' "$1" "$2"; return;; esac
  case $2 in
    *:*) found=$2;;
    *[!0-9.]*)
      if command -v getent >/dev/null 2>&1; then
        found=$(limit 3 getent ahosts "$2" 2>/dev/null); rc=$?
        case $rc in
          0) ;;
          124|143) printf 'port %s %s %s dns not-asked 000 the name server did not answer in time\n' "$1" "$2" "$3"; return;;
          *) printf 'port %s %s %s dns not-asked 000 the name is not known here\n' "$1" "$2" "$3"; return;;
        esac
      else found=; fi;;
    *) found=$2;;
  esac
  # Words of one line, addresses among them; no here-document, which bash keeps in a file.
  printf 'at %s\n' "$(set -- "$1" "$2" "$3" $found; printf '%s' "$*")"
  if command -v bash >/dev/null 2>&1; then
    said=$(limit 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3" 2>&1); rc=$?
  elif command -v nc >/dev/null 2>&1; then
    said=$(limit 4 nc -z -w 3 "$2" "$3" 2>&1 </dev/null); rc=$?
    case $rc:$said in
      *[Ii]'nvalid option'*|*'unrecognized option'*|*[Uu]'sage:'*)
        printf 'port %s %s %s unknown not-asked 000 neither bash nor an nc that can ask\n' "$1" "$2" "$3"; return;;
      *' timed out'*) rc=124;;
    esac
  else
    printf 'port %s %s %s unknown not-asked 000 neither bash nor nc is there\n' "$1" "$2" "$3"; return
  fi
  case $rc:$said in
    0:*) state=open;;
    124:*|143:*|*'timed out'*) state=filtered;;
    *refused*) state=refused;;
    *'ame or service not known'*|*'ame does not resolve'*|*'emporary failure in name'*|*'o address associated'*) state=dns;;
    *'o route to host'*|*'etwork is unreachable'*|*'ost is unreachable'*) state=no-route;;
    *) state=unknown;;
  esac
  spoken='not-asked 000'
  [ $state = open ] && spoken=$(speak "$2" "$3")
  said=${said##*: }
  printf 'port %s %s %s %s %s %s\n' "$1" "$2" "$3" "$state" "$spoken" "${said%%
*}"
}
many() {
  printf '%s\n' "$2" | {
    while read -r address port; do
      [ -n "$address" ] && ask "$1" "$address" "$port" &
    done
    wait
  }
}
[ -n "${CS:-$agent}" ] && ask configuration-server "${CS:-$agent}" 443 &
[ -n "$CS" ] && [ -n "$agent" ] && [ "$agent" != "$CS" ] && ask agent-server "$agent" 443 &
many process-server "$PROCESS_SERVERS" &
many vcenter "$VCENTERS" &
wait
exit 0
"#
    ),
)];

/// The most servers of one kind that are read of an answer.
const MAX_PORTS: usize = 500;

/// Which ports of other servers a host reaches.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PortsFacts {
    /// The configuration server that the host's agent is configured with.
    pub agent_server: Fact<String>,
    /// Whether that one and the one the site names are one address as this host resolves them.
    pub same_server: Fact<bool>,
    /// Port 443 of the configuration server: the one the site names, else the agent's.
    pub configuration_server: Fact<PortFacts>,
    /// The same port as all hosts see it that were asked in the same run.
    pub configuration_server_seen: Fact<ServerSeen>,
    /// The data port of every process server the site names.
    pub process_servers: Collection<PortFacts>,
    /// The port of vCenter's API.
    pub vcenters: Collection<PortFacts>,
}

/// One port of another server, as seen from the host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PortFacts {
    /// The server's address as it was asked for, with the port: `cs01:443`.
    pub place: String,
    /// The server's address as it was asked for.
    pub address: String,
    /// The port.
    pub port: i64,
    /// What a TCP connection to it led to.
    pub state: Fact<PortState>,
    /// Whether it speaks TLS.
    pub tls: Fact<bool>,
    /// The status of its answer to an HTTP request; 0 when it gave none.
    pub http: i64,
    /// Whether a web service answers there as one that works: with status 200. Unavailable for any
    /// other answer over TLS, which a proxy or another server gives as well.
    pub serves: Fact<bool>,
    /// All of it in words, for people, with the place.
    pub said: String,
}

/// Reads the ports out of a transcript; `agent` is what is known of the same host's agent.
pub fn from_transcript(
    transcript: &Transcript,
    agent: &AgentFacts,
) -> Result<PortsFacts, Unavailable> {
    let ports = read(transcript)?;
    // A process server is not asked for the files of a master target's agent.
    if transcript.was_asked(unified_agent::CONF) {
        return Ok(ports.valid_for_agent(&agent.configuration_server));
    }
    Ok(ports)
}

/// Returns what a host sees of the configuration server that it was asked about, with that server's place.
pub fn server_view(transcript: &Transcript, role: &'static str) -> Option<(String, ServerView)> {
    let Fact::Known(server) = read(transcript).ok()?.configuration_server else { return None };
    Some((server.place.clone(), server.view(&transcript.target, role)))
}

fn read(transcript: &Transcript) -> Result<PortsFacts, Unavailable> {
    let text = file::complete_text(transcript, PORTS)?;
    match unexpected_line(text) {
        Some(line) => Err(format!("the probe of ports printed {line:?}").into()),
        None => Ok(parse(text)),
    }
}

/// What one line says of a place: a role, an address and a port.
struct PortLine<'t> {
    role: &'t str,
    place: (&'t str, i64),
    rest: Vec<&'t str>,
}

fn lines_starting_with<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = PortLine<'t>> {
    text.lines().filter_map(move |line| {
        let mut words = line.split(' ');
        (words.next()? == word).then_some(())?;
        let role = words.next()?;
        let place = (words.next()?, words.next()?.parse().ok()?);
        Some(PortLine { role, place, rest: words.collect() })
    })
}

/// The first line that the probe does not print: something else has answered, and nobody knows what
/// is missing in its place.
fn unexpected_line(text: &str) -> Option<&str> {
    text.lines().filter(|line| !line.is_empty()).find(|line| {
        let is_of_agent = line.starts_with("agent ") || line.starts_with("agent-");
        !is_of_agent
            && lines_starting_with(line, "port")
                .chain(lines_starting_with(line, "at"))
                .next()
                .is_none()
    })
}

/// Reads what the probe prints.
///
/// ```
/// use preflight::facts::network::ports;
/// use preflight::facts::network::ports::PortState;
/// let text = "agent cs01\nport configuration-server cs01 443 open yes 200 \n";
/// let server = ports::parse(text).configuration_server;
/// assert_eq!(server.known().unwrap().state.known(), Some(&PortState::Open));
/// ```
pub fn parse(text: &str) -> PortsFacts {
    let of_role = |role: &str| -> Vec<PortFacts> {
        let mut ports: Vec<PortFacts> = lines_starting_with(text, "port")
            .filter(|line| line.role == role)
            .map(|line| parse_port(&line))
            .collect();
        // They answer in any order, and a report has one.
        ports.sort_by(|a, b| (&a.address, a.port).cmp(&(&b.address, b.port)));
        ports.dedup();
        ports.dedup_by(|later, first| {
            let same = later.place == first.place;
            if same {
                let reason = format!("there are two different answers about {}", first.place);
                first.state = Fact::unavailable(reason.clone());
                first.tls = Fact::unavailable(reason.clone());
                first.serves = Fact::unavailable(reason);
                (first.http, first.said) =
                    (0, format!("there are two different answers about {}", first.place));
            }
            same
        });
        ports
    };
    let list = |role: &str| {
        let mut items = of_role(role);
        let complete = items.len() <= MAX_PORTS;
        items.truncate(MAX_PORTS);
        Collection { items, complete }
    };
    let agent_server = parse_agent_server(text);
    let server = of_role("configuration-server").into_iter().next();
    let same_server =
        agent_server.clone().and_then(|agent| is_same_server(text, &agent, server.as_ref()));
    let missing_reason = || match &agent_server {
        Err(why) => {
            format!("the address of the configuration server is not known (--cs): {}", why.reason)
        }
        Ok(_) => "the answer about it was cut off".to_owned(),
    };
    let server = server.ok_or_else(missing_reason);
    PortsFacts {
        same_server: same_server.into(),
        configuration_server_seen: match &server {
            Ok(_) => Fact::unavailable("what all hosts see of it was not put together"),
            Err(why) => Fact::unavailable(why),
        },
        configuration_server: server.into(),
        process_servers: list("process-server"),
        vcenters: list("vcenter"),
        agent_server: agent_server.into(),
    }
}

/// Which configuration server the agent's own configuration names.
fn parse_agent_server(text: &str) -> Result<String, Unavailable> {
    let named = text.lines().find_map(|line| line.strip_prefix("agent "));
    let unreadable = text.lines().find_map(|line| line.strip_prefix("agent-unreadable "));
    if let Some(file) = text.lines().find_map(|line| line.strip_prefix("agent-doubled ")) {
        return Err(format!("{file} has Hostname twice, with values that differ").into());
    }
    match (named.map(str::trim), unreadable) {
        (Some("-" | ""), _) => Err("drscout.conf has no Hostname".into()),
        (Some(name), _) => Ok(name.to_owned()),
        (None, Some(file)) => Err(format!("{file} cannot be read").into()),
        (None, None) => Err("the agent's configuration was not read".into()),
    }
}

/// Whether the server the site names and the one the agent knows share an address.
fn is_same_server(
    text: &str,
    agent: &str,
    server: Option<&PortFacts>,
) -> Result<bool, Unavailable> {
    let addresses = |role: &str| -> Option<(&str, Vec<&str>)> {
        let line = lines_starting_with(text, "at").find(|line| line.role == role)?;
        let is_address = |word: &&str| word.parse::<std::net::IpAddr>().is_ok();
        Some((line.place.0, line.rest.into_iter().filter(is_address).collect()))
    };
    let Some((named, of_site)) = addresses("configuration-server") else {
        server.map_or(Ok(&PortState::Open), |server| server.state.value())?;
        return Err("the configuration server's name could not be resolved".into());
    };
    if address::is_same(named, agent) {
        return Ok(true);
    }
    match addresses("agent-server") {
        Some((_, of_agent)) if !of_agent.is_empty() && !of_site.is_empty() => {
            Ok(of_agent.iter().any(|address| of_site.contains(address)))
        }
        _ => Err(format!("{agent}, which the agent knows, could not be resolved").into()),
    }
}

fn parse_port(line: &PortLine<'_>) -> PortFacts {
    let (address, number) = line.place;
    let word = |index: usize| line.rest.get(index).copied().unwrap_or_default();
    let text = line.rest.get(3..).unwrap_or_default().join(" ");
    let text = text.trim();
    let state = match word(0) {
        "open" => Fact::Known(PortState::Open),
        "refused" => Fact::Known(PortState::Refused),
        "filtered" => Fact::Known(PortState::Filtered),
        "dns" => Fact::Known(PortState::Dns),
        "no-route" => Fact::Known(PortState::NoRoute),
        NOT_ASKED => Fact::unavailable(text),
        _ if text.is_empty() => {
            Fact::unavailable(format!("the answer about {address}:{number} is not understood"))
        }
        _ => Fact::unavailable(format!("asking {address}:{number}: {text}")),
    };
    let tls = match (&state, word(1)) {
        (Fact::Known(PortState::Open), "yes") => Fact::Known(true),
        (Fact::Known(PortState::Open), "no") => Fact::Known(false),
        (Fact::Known(PortState::Open), _) => {
            Fact::unavailable("neither curl nor openssl is on the host, only TCP was asked")
        }
        // Where nothing is open, nothing speaks.
        _ => state.clone().map(|_| false),
    };
    let http = word(2).parse().unwrap_or_default();
    let place = address::with_port(address, number);
    let said = format!("{place} is {}", describe(&state, &tls, http, text));
    let serves = match (&tls, http) {
        (Fact::Known(true), 200) => Fact::Known(true),
        (Fact::Known(true), 0) => {
            Fact::unavailable(format!("{place} speaks TLS, and gave no answer to HTTP"))
        }
        (Fact::Known(true), _) => Fact::unavailable(format!(
            "{place} answers HTTP {http}, as a proxy or another server does, too"
        )),
        (other, _) => other.clone(),
    };
    let address = address.to_owned();
    PortFacts { place, address, port: number, state, tls, http, serves, said }
}

/// What is known of a port, in words.
fn describe(state: &Fact<PortState>, tls: &Fact<bool>, http: i64, text: &str) -> String {
    let words = match (state.known(), tls.known()) {
        (None, _) => "not asked",
        (Some(PortState::Open), None) => "open by TCP, TLS was not asked",
        (Some(PortState::Open), Some(false)) => "open by TCP, and nothing there speaks TLS",
        (Some(PortState::Open), Some(true)) if http > 0 => {
            return format!("open and answers HTTP {http} over TLS");
        }
        (Some(PortState::Open), Some(true)) => "open and speaks TLS",
        (Some(PortState::Refused), _) => "refused: the machine is there and nothing listens",
        (Some(PortState::Filtered), _) => "filtered: nothing came back within 3 s",
        (Some(PortState::Dns), _) if text.is_empty() => "not found: the name is not known here",
        (Some(PortState::Dns), _) => return format!("not found: {text}"),
        (Some(PortState::NoRoute), _) => "not reachable: there is no route to it",
    };
    words.to_owned()
}

impl PortFacts {
    /// Returns what the host of this name and role sees.
    fn view(self, host: &str, role: &'static str) -> ServerView {
        ServerView {
            host: host.to_owned(),
            role,
            state: self.state.known().copied(),
            serves: self.serves.known().copied(),
            said: self.said,
        }
    }
}

impl PortsFacts {
    /// The same ports, where what was asked about the agent's server holds only for the server that
    /// the agent's configuration names.
    fn valid_for_agent(mut self, server: &Fact<String>) -> Self {
        let why = match (server, &self.agent_server) {
            (Fact::Known(server), Fact::Known(asked)) if server == asked => return self,
            (Fact::Known(server), Fact::Known(asked)) => {
                format!("drscout.conf names {server}, and the host was asked about {asked}")
            }
            (Fact::Unavailable(why), _) | (_, Fact::Unavailable(why)) => why.reason.clone(),
        };
        self.agent_server = Fact::unavailable(&why);
        self.same_server = Fact::unavailable(why);
        self
    }
}

/// The state of a server that a host was not asked about; the words behind it say why.
const NOT_ASKED: &str = "not-asked";

/// The servers of a role that an answer is about.
pub fn servers_with_role(text: &str, role: &str) -> Vec<ServerAddress> {
    let lines = lines_starting_with(text, "port").filter(|line| line.role == role);
    let mut servers: Vec<ServerAddress> = lines
        .filter_map(|line| Some((line.place.0.to_owned(), line.place.1.try_into().ok()?)))
        .collect();
    servers.sort();
    servers.dedup();
    servers
}

/// The answer as it counts for an evaluation that asks about `env`: of a role of which it names
/// servers, the lines about those, and for each that has none a line that says so.
pub fn apply_query(text: &str, env: &ProbeEnv) -> String {
    let roles = [
        ("configuration-server", env.configuration_servers()),
        ("process-server", env.process_servers.clone()),
        ("vcenter", env.vcenters.clone()),
    ];
    let counts = |line: &str| {
        let parts = lines_starting_with(line, "port").chain(lines_starting_with(line, "at"));
        parts.into_iter().all(|line| {
            let wanted = roles.iter().find(|(role, _)| *role == line.role).map(|(_, all)| all);
            wanted
                .is_none_or(|all| all.is_empty() || all.iter().any(|server| line.is_about(server)))
        })
    };
    let mut kept: Vec<String> =
        text.lines().filter(|line| counts(line)).map(str::to_owned).collect();
    for (role, wanted) in &roles {
        let asked = servers_with_role(text, role);
        for server in wanted {
            if !asked.iter().any(|other| address::is_same_server(other, server)) {
                let reason = if asked.is_empty() {
                    format!(
                        "the host was not asked about {}",
                        address::with_port(&server.0, i64::from(server.1))
                    )
                } else {
                    address::mismatch_reason(
                        Some(&address::join_servers(&asked)),
                        &address::join_servers(std::slice::from_ref(server)),
                    )
                };
                kept.push(format!(
                    "port {role} {} {} {NOT_ASKED} not-asked 000 {reason}",
                    server.0, server.1
                ));
            }
        }
    }
    kept.join("\n") + "\n"
}

impl PortLine<'_> {
    /// Whether it is about a server: its address and its port.
    fn is_about(&self, (address, port): &ServerAddress) -> bool {
        self.place.1 == i64::from(*port) && address::is_same(self.place.0, address)
    }
}

#[cfg(test)]
mod tests;
