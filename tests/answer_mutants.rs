//! Captures damaged in every way that is known, one damage at a time: no check that reads what was
//! damaged may still pass, unless `answer_mutants/excused.txt` says why it is right.
//!
//! A check reads a probe when some damage of that probe changes the facts its rules speak of. Damage
//! of a whole answer (removed, emptied, cut in half, doubled, the shell's complaint in its place, an
//! unknown line at its end) must leave no reading check passing. A line or a value that is gone must
//! leave no check passing whose facts changed by it.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

#[path = "answer_mutants/captures.rs"]
mod captures;
#[path = "answer_mutants/damage.rs"]
mod damage;
#[path = "answer_mutants/ledger.rs"]
mod ledger;

mod assurance;
mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;
mod sshd;

use captures::Subject;
use ledger::Ledger;

/// Damages every capture, and says what passed although it should not.
///
/// `good` names captures of good systems, and how many blockers pass on each at the least: where none
/// passes, none can pass wrongly.
fn wrongly_passing(subjects: &[Subject], good: &[(&str, usize)], section: &str) {
    let ledger = Ledger::of(subjects);
    println!("no check reads {:?}; idle {:?}", ledger.unread(), ledger.idle_excuses());
    println!("{}", ledger.summary());
    for wrong in ledger.wrong() {
        println!("  {wrong}");
    }
    for (name, least) in good {
        let passing = ledger.passing(name);
        println!("{name}: {passing} pass undamaged");
        assert!(passing >= *least, "{name}: only {passing} pass undamaged");
    }
    assert!(ledger.wrong().is_empty(), "{} damaged answers passed", ledger.wrong().len());
    assert!(ledger.unread().is_empty(), "no check reads {:?}", ledger.unread());
    assert!(ledger.idle_excuses().is_empty(), "excuses for nothing: {:?}", ledger.idle_excuses());
    assurance::measures(section, &ledger.summary());
}

#[test]
fn no_damaged_answer_of_a_host_or_an_esxi_shell_passes() {
    let Some(subjects) = captures::of_shells() else { return };
    wrongly_passing(
        &subjects,
        &[("mt-good", 25), ("ubuntu-kernel-pinned", 20), ("esxi-paid", 18)],
        "host-mutants",
    );
}

#[test]
fn no_damaged_answer_of_a_vsphere_server_passes() {
    let Some(subjects) = captures::of_servers() else { return };
    wrongly_passing(&subjects, &[("good", 22)], "vsphere-mutants");
}
