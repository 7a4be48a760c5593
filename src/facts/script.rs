//! Many probes as one shell script, and its framed answers back into answers by name.
//!
//! A frame is a line that starts with a nonce drawn anew for each run, so that no answer can
//! imitate one. Not for sending the script (`transport`), nor for what the answers mean.
//!
//! ```text
//! ::<nonce> begin preflight-script/1
//! ::<nonce> probe mounts
//! ...the answer...
//! ::<nonce> status 0
//! ::<nonce> end
//! ```

use super::answer_bound::longest_answer;
use super::probe::{Probe, ProbeEnv};
use super::target_kind::TargetKind;
use super::transcript::{ProbeAnswer, ProbeAnswers};
use crate::shell;

/// What marks the frames of one run: 128 random bits in hexadecimal, as letters of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// The nonce of these random bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The nonce of a script that is printed for review, or carried out by somebody else: that of
    /// the environment, or else `@` and the process id of the shell that runs it.
    pub fn shell_default() -> Self {
        Self("${PREFLIGHT_NONCE:-@$$}".to_owned())
    }

    /// The nonce that a file says was used: 16 to 64 letters and digits.
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (word && (16..=64).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// The word itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How the line begins that a script prints first.
    pub fn begin(&self) -> String {
        format!("::{} begin ", self.0)
    }

    /// The line that a script prints last, with its end.
    pub fn end(&self) -> String {
        format!("::{} end\n", self.0)
    }
}

/// What every probe may use. `show` and the frames are the shell's own work: no process starts.
const PRELUDE: &str = r#"
# A read-only script: it starts few commands, writes no file and changes nothing.
# The braces make the shell read all of it before it does anything.
{
LC_ALL=C; LANG=C; export LC_ALL LANG
PATH=/sbin:/usr/sbin:/bin:/usr/bin:$PATH; export PATH
unset ENV BASH_ENV CDPATH IFS GREP_OPTIONS 2>/dev/null
set -f; set +e; set +u; umask 077
show() {
  [ -r "$1" ] || return 1
  while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done < "$1"
}
if command -v timeout >/dev/null 2>&1 && timeout 1 true >/dev/null 2>&1
then limit() { timeout "$@"; }
elif command -v timeout >/dev/null 2>&1 && timeout -t 1 true >/dev/null 2>&1
then limit() { timeout -t "$@"; }
else limit() { shift; "$@"; }
fi
"#;

/// The script that asks `probes`, for a shell to read on its standard input.
pub fn assemble(probes: &[Probe], around: &ProbeEnv, nonce: &Nonce) -> String {
    let mut text = String::with_capacity(8 * 1024);
    text.push_str("# preflight: the questions of one host, in one script.\n");
    text.push_str(PRELUDE.trim_start());
    text.push('\n');
    let list = |addresses: &[(String, u16)]| {
        let words: Vec<String> =
            addresses.iter().map(|(address, port)| format!("{address} {port}")).collect();
        shell::quote(&words.join("\n"))
    };
    text.push_str(&format!("FRAME=\"::{}\"\n", nonce.0));
    text.push_str(&format!("RETENTION={}\n", shell::quote(around.retention())));
    let server = around.configuration_server.as_deref().unwrap_or("");
    text.push_str(&format!("CS={}\n", shell::quote(server)));
    text.push_str(&format!("PROCESS_SERVERS={}\n", list(&around.process_servers)));
    text.push_str(&format!("VCENTERS={}\n", list(&around.vcenters)));
    text.push_str("printf '\\n%s begin preflight-script/1\\n' \"$FRAME\"\n");
    for probe in probes {
        text.push_str(&format!(
            "printf '%s probe {name}\\n' \"$FRAME\"\n(\n{shell}\n) </dev/null 2>/dev/null\n\
             printf '\\n%s status %s\\n' \"$FRAME\" \"$?\"\n",
            name = probe.name,
            shell = probe.shell.trim(),
        ));
    }
    text.push_str("printf '%s end\\n' \"$FRAME\"\nexit 0\n}\n");
    text
}

/// Reads what a script printed, whatever stands around its frames.
///
/// A probe whose frame did not close is not among the answers: what is cut short is no answer. Of
/// one that is longer than counts, so much is kept that this shows.
/// `nonce` is that of the script, or none for the output of a script that somebody else ran; then
/// it is the one of the first frame.
pub fn parse_output(output: &str, nonce: Option<&Nonce>) -> ProbeAnswers {
    let Some(frame) = frame_prefix(output, nonce) else { return ProbeAnswers::default() };
    let mut answers = ProbeAnswers::default();
    let mut open: Option<(String, String)> = None;
    for line in output.split_inclusive('\n') {
        let word = line.strip_prefix(&frame).filter(|_| line.ends_with('\n')).map(str::trim_end);
        match (word.map(|word| word.split_once(' ').unwrap_or((word, ""))), &mut open) {
            (Some(("probe", name)), _) => open = Some((name.to_owned(), String::new())),
            (Some(("status", status)), Some(_)) => {
                let (name, mut text) = open.take().expect("a probe is open");
                // The script puts a line end before each frame.
                text.pop();
                if let Ok(status) = status.parse() {
                    answers.by_probe.insert(name, ProbeAnswer { status, text });
                }
            }
            (Some(("end", _)), _) => answers.ended = open.is_none(),
            (Some(_), _) => {}
            (None, Some((name, text))) => {
                // One character is taken off again before the frame.
                let most = longest_answer(TargetKind::LinuxMt, name) + 1 + char::MAX.len_utf8();
                let room = most.saturating_sub(text.len());
                text.push_str(&line[..line.ceil_char_boundary(room.min(line.len()))]);
            }
            (None, None) => {}
        }
    }
    answers.unanswered = open.map(|(name, _)| name);
    answers
}

/// What every frame line of an output begins with.
fn frame_prefix(output: &str, nonce: Option<&Nonce>) -> Option<String> {
    if let Some(nonce) = nonce {
        return Some(format!("::{} ", nonce.0));
    }
    output.lines().find_map(|line| {
        let frame = line.strip_suffix("begin preflight-script/1")?;
        (frame.starts_with("::") && frame.len() > 3).then(|| frame.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::answer_bound::MAX_ANSWER;
    use crate::facts::probe::ProbeName;

    fn nonce() -> Nonce {
        Nonce::from_bytes([7; 16])
    }

    fn run(probes: &[Probe]) -> ProbeAnswers {
        let text = assemble(probes, &ProbeEnv::default(), &nonce());
        let output = std::process::Command::new("sh").arg("-c").arg(&text).output().unwrap();
        parse_output(&String::from_utf8(output.stdout).unwrap(), Some(&nonce()))
    }

    #[test]
    fn a_script_asks_and_its_frames_are_read_back() {
        let answers = run(&[
            Probe::new(ProbeName::new("one"), "echo a; printf b"),
            Probe::new(ProbeName::new("two"), "cat; exit 7"),
            Probe::new(ProbeName::new("three"), "show /no/such/file"),
            Probe::new(ProbeName::new("four"), "echo \"$RETENTION\"; echo noise >&2"),
        ]);
        assert!(answers.ended);
        let answer = |name: &str| answers.by_probe[name].clone();
        assert_eq!(answer("one"), ProbeAnswer { status: 0, text: "a\nb".to_owned() });
        assert_eq!(answer("two"), ProbeAnswer { status: 7, text: String::new() });
        assert_eq!(answer("three").status, 1);
        assert_eq!(answer("four").text, "/mnt/retention\n");
    }

    #[test]
    fn noise_and_imitation_are_no_frames() {
        let output = "motd\n::07 probe x\n::abc begin preflight-script/1\nmore\n::abc probe x\n\
                      ::abd status 0\nreal\n\n::abc status 0\n::abc end\nbye";
        let answers = parse_output(output, None);
        assert!(answers.ended);
        assert_eq!(answers.by_probe.len(), 1);
        assert_eq!(answers.by_probe["x"].text, "::abd status 0\nreal\n");
    }

    #[test]
    fn of_an_endless_answer_no_more_is_kept_than_shows_that_it_is_too_long() {
        let long = "\u{e9}".repeat(MAX_ANSWER);
        for text in [long.clone(), "x\n".repeat(MAX_ANSWER), format!("a\n{long}")] {
            let output = format!(
                "::n begin preflight-script/1\n::n probe x\n{text}\n::n status 0\n::n end\n"
            );
            let answers = parse_output(&output, Some(&Nonce("n".to_owned())));
            let kept = answers.by_probe["x"].text.len();
            assert!(answers.ended && (MAX_ANSWER + 1..MAX_ANSWER + 9).contains(&kept), "{kept}");
        }
    }

    #[test]
    fn what_is_cut_short_is_no_answer() {
        let whole = "::n begin preflight-script/1\n::n probe x\nfoo\n\n::n status 0\n::n end\n";
        for end in 0..whole.len() {
            let cut = parse_output(&whole[..end], Some(&Nonce("n".to_owned())));
            assert!(!cut.ended, "{end}");
            let closed = end >= whole.len() - "::n end\n".len();
            assert_eq!(cut.by_probe.contains_key("x"), closed, "{end}");
        }
    }
}
