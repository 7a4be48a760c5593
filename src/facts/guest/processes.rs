//! Which of the programs that matter run on a host.
//!
//! Read from `/proc` by the shell itself, which costs less than one `pidof`. Not for which
//! programs hold files open (`retention`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Fact, Unavailable, file};

const PROCESSES: ProbeName = ProbeName::new("processes");

/// One line for each running program that matters, `pid name state`; and the word of the agent's
/// service when it should run and does not.
///
/// `/proc/PID/comm` is not there on every kernel of CentOS 6, `/proc/PID/stat` is. `init`, which
/// always runs, tells whether the processes of others can be seen at all.
pub const PROBES: &[Probe] = &[Probe::quick(
    PROCESSES,
    r#"
[ -r /proc/1/stat ] || exit 1
set +f
agent=''
comm=''
[ -r /proc/1/comm ] && comm=yes
for p in /proc/[0-9]*; do
  if [ -n "$comm" ]
  then IFS= read -r n < "$p/comm" || continue
  else read -r pid n state rest < "$p/stat" || continue
  fi
  case $n in
  svagents|appservice|multipathd|vmtoolsd|vmware-guestd|waagent|'(svagents)'|'(appservice)'|'(multipathd)'|'(vmtoolsd)'|'(vmware-guestd)'|'(waagent)') ;;
  *) [ "$p" = /proc/1 ] || continue;;
  esac
  read -r pid n state rest < "$p/stat" || continue
  printf '%s %s %s\n' "$pid" "$n" "$state"
  case $n in '(svagents)'|'(appservice)') agent=$agent$n;; esac
done
case $agent in *svagents*appservice*|*appservice*svagents*) exit 0;; esac
[ -e /usr/local/.vx_version ] || exit 0
command -v service >/dev/null || exit 0
limit 5 service vxagent status 2>&1 | while IFS= read -r line; do
  printf 'service %s\n' "$line"
done
exit 0
"#,
)];

/// Which of the programs that matter run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProcessFacts {
    /// The agent's own program.
    pub svagents: Fact<bool>,
    /// The agent's application service.
    pub appservice: Fact<bool>,
    /// What the agent's service said of itself, when one of the two does not run.
    pub agent_service: String,
    /// The multipath daemon.
    pub multipathd: Fact<bool>,
    /// VMware Tools or open-vm-tools.
    pub vmware_tools: Fact<bool>,
    /// Azure's own agent.
    pub azure_agent: Fact<bool>,
}

/// The most that is kept of what a service says of itself, in characters.
const MAX_SERVICE_CHARS: usize = 200;

/// Reads the processes out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> Result<ProcessFacts, Unavailable> {
    file::complete_text(transcript, PROCESSES).map(parse)
}

/// Reads what the probe printed.
///
/// ```
/// use preflight::facts::guest::processes;
/// let text = "1 (init) S\n1702 (svagents) S\n1733 (appservice) Z\n";
/// let processes = processes::parse(text);
/// assert_eq!(processes.svagents.known(), Some(&true));
/// assert_eq!(processes.appservice.known(), Some(&false));
/// ```
pub fn parse(text: &str) -> ProcessFacts {
    let listed: Vec<Option<ListedProcess<'_>>> =
        text.lines().filter(|line| !line.starts_with("service ")).map(parse_process).collect();
    let sees_all = text.lines().any(|line| line.starts_with("1 (")) && !listed.contains(&None);
    let runs = |names: &[&str]| {
        let mut states = listed.iter().flatten().filter(|process| names.contains(&process.name));
        let mut odd = states.clone().filter(|process| process.state == ProcessState::Odd);
        if states.any(|process| process.state == ProcessState::Runs) {
            Fact::Known(true)
        } else if let Some(odd) = odd.next() {
            Fact::unavailable(format!("the state of {} does not show whether it runs", odd.name))
        } else if sees_all {
            Fact::Known(false)
        } else {
            Fact::unavailable("the processes of other users cannot be seen")
        }
    };
    let service: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("service ")).collect();
    ProcessFacts {
        svagents: runs(&["svagents"]),
        appservice: runs(&["appservice"]),
        agent_service: service.join("; ").chars().take(MAX_SERVICE_CHARS).collect(),
        multipathd: runs(&["multipathd"]),
        vmware_tools: runs(&["vmtoolsd", "vmware-guestd"]),
        azure_agent: runs(&["waagent"]),
    }
}

/// One line about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ListedProcess<'l> {
    name: &'l str,
    state: ProcessState,
}

/// What the letter of a process' state means for whoever waits for its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProcessState {
    /// It works, or would as soon as there is something to do.
    Runs,
    /// It is stopped, held by a debugger, dead, or waits to be reaped.
    Rests,
    /// A letter that no program of a user has.
    Odd,
}

/// Reads one line, `1702 (svagents) S`.
fn parse_process(line: &str) -> Option<ListedProcess<'_>> {
    let (pid, rest) = line.split_once(" (")?;
    let (name, state) = rest.rsplit_once(") ")?;
    pid.parse::<u32>().ok()?;
    // The letters are those of proc(5).
    let state = match state.trim() {
        "R" | "S" | "D" => ProcessState::Runs,
        "T" | "t" | "Z" | "X" | "x" => ProcessState::Rests,
        _ => ProcessState::Odd,
    };
    Some(ListedProcess { name, state })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_when_its_state_says_so() {
        for (text, svagents) in [
            ("1 (init) S\n1702 (svagents) S\n", Some(true)),
            ("1 (systemd) S\n1702 (svagents) D\n", Some(true)),
            ("1 (init) S\n1702 (svagents) Z\n", Some(false)),
            ("1 (init) S\n1702 (svagents) Z\n1703 (svagents) R\n", Some(true)),
            ("1 (init) S\n", Some(false)),
            ("1 (init) S\n1702 (svagents) T\n", Some(false)),
            ("1 (init) S\n1702 (svagents) t\n", Some(false)),
            ("1 (init) S\n1702 (svagents) X\n", Some(false)),
            ("1 (init) S\n1702 (svagents) x\n", Some(false)),
            ("1 (init) S\n1702 (svagents) T\n1703 (svagents) S\n", Some(true)),
            ("1 (init) S\n1702 (svagents) P\n", None),
            ("1 (init) S\n1702 (svagents) \n", None),
            // What is no line of the list may have been one.
            ("1 (init) S\nx (svagents) S\n", None),
            ("1 (init) S\n1702 (svagents\n", None),
            ("1 (init) S\nsh: read: not found\n", None),
            ("sh: show: command not found\n", None),
            ("1702 (svagents) S\n", Some(true)),
            ("", None),
            ("17 (multipathd) S\n", None),
        ] {
            assert_eq!(parse(text).svagents.known().copied(), svagents, "{text:?}");
        }
    }

    #[test]
    fn a_service_that_is_down_says_so() {
        let facts = parse("1 (init) S\nservice svagents is stopped\nservice appservice dead\n");
        assert_eq!(facts.agent_service, "svagents is stopped; appservice dead");
        assert_eq!(parse("1 (init) S\n").agent_service, "");
        let long = format!("1 (init) S\nservice {}\n", "\u{e9}".repeat(500));
        assert_eq!(parse(&long).agent_service.chars().count(), MAX_SERVICE_CHARS);
    }
}
