//! Every help page there is, found by reading those above it; the manual.

use super::{Case, Inputs, case};

/// Of each verb and each verb below it.
pub fn cases(inputs: &Inputs) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(verb) = open.pop() {
        let line = [verb.as_slice(), &["--help".to_owned()]].concat().join(" ");
        let name = [&["help".to_owned()], verb.as_slice()].concat().join("-");
        let (status, page) = case("").run(&line).run_in(inputs.directory());
        assert_eq!(status, Some(0), "{line}: {page}");
        open.extend(below(&page).into_iter().map(|word| [verb.as_slice(), &[word]].concat()));
        cases.push(case(name).run(&line));
    }
    assert!(cases.len() > 30, "{} help pages", cases.len());
    cases.push(case("help-short").run("-h").run("check host -h").run("build -h"));
    cases.push(case("version").run("--version").run("check site --version"));
    cases.push(case("man").run("man"));
    cases
}

/// The verbs that a help page lists.
fn below(page: &str) -> Vec<String> {
    let lines = page.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = lines.take_while(|line| line.starts_with("  "));
    listed
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .map(str::to_owned)
        .collect()
}
