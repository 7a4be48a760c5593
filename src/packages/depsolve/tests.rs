//! The solver over packages made here: each problem once, with everything a person needs to know.
//!
//! Not against real repositories: `tests/closure.rs` and the lab have those.

use std::time::Instant;

use rpmrepo_metadata::{Evr, FileType, Package, Requirement, RequirementType};

use super::*;
use crate::packages::generation::Generation;
use crate::packages::repository::PackageGroup;

/// `NAME EVR [ARCH]`, then `provides:`, `requires:`, `conflicts:`, `obsoletes:`, `file:` words.
fn package(text: &str) -> Package {
    let mut words = text.split(", ");
    let head: Vec<&str> = words.next().unwrap().split(' ').collect();
    let mut package = Package::default();
    let (version, release) = head[1].split_once('-').unwrap();
    package
        .set_name(head[0].to_owned())
        .set_arch(head.get(2).copied().unwrap_or("x86_64").to_owned())
        .set_evr(Evr::new("0".to_owned(), version.to_owned(), release.to_owned()));
    let own = Requirement::new(head[0])
        .set_flags(Some(RequirementType::EQ))
        .set_epoch(Some("0"))
        .set_version(Some(version))
        .set_release(Some(release));
    let (mut provides, mut requires) = (vec![own], Vec::new());
    let (mut conflicts, mut obsoletes) = (Vec::new(), Vec::new());
    for word in words {
        let (kind, what) = word.split_once(' ').unwrap();
        match kind {
            "provides" => provides.push(requirement(what)),
            "requires" => requires.push(requirement(what)),
            "conflicts" => conflicts.push(requirement(what)),
            "obsoletes" => obsoletes.push(requirement(what)),
            "file" => {
                let (dir, base) = what.rsplit_once('/').unwrap();
                package.add_file_split(FileType::File, &format!("{dir}/"), base);
            }
            other => panic!("{other}"),
        }
    }
    package
        .set_provides(provides)
        .set_requires(requires)
        .set_conflicts(conflicts)
        .set_obsoletes(obsoletes);
    package
}

fn requirement(text: &str) -> Requirement {
    if text.starts_with('(') {
        return Requirement::new(text);
    }
    let words: Vec<&str> = text.split(' ').collect();
    let [name, sign, evr] = words[..] else { return Requirement::new(text) };
    let flags = match sign {
        "&" => return Requirement::new(text),
        "<" => RequirementType::LT,
        "<=" => RequirementType::LE,
        "=" => RequirementType::EQ,
        ">=" => RequirementType::GE,
        _ => RequirementType::GT,
    };
    let (version, release) = match evr.split_once('-') {
        Some((version, release)) => (version, Some(release)),
        None => (evr, None),
    };
    Requirement::new(name)
        .set_flags(Some(flags))
        .set_epoch(Some("0"))
        .set_version(Some(version))
        .set_release(release)
}

fn solved_for(generation: Generation, base: &[&str], addons: &[&str], asked: &[&str]) -> Solution {
    let mut pool = Pool::default();
    let mut files = FileOwners::default();
    for text in base {
        pool.add(&package(text), PackageOrigin::Base, &format!("Packages/{text}")).unwrap();
    }
    for text in addons {
        let package = package(text);
        pool.add(&package, PackageOrigin::AddOn, "DIR/x.rpm").unwrap();
        files.add_package(&pool, &package);
    }
    let asked: Vec<String> = asked.iter().map(|&text| text.to_owned()).collect();
    let member = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let core = PackageGroup {
        id: "core".into(),
        name: "Core".into(),
        packages: vec![
            member("bash", "mandatory"),
            member("cronie", "default"),
            member("nano", "optional"),
            member("gone", "mandatory"),
        ],
    };
    let known = ["bc-1.06.95-1.el6.x86_64.rpm".to_owned()];
    let wanted = SolveRequest {
        packages: &asked,
        groups: &[core],
        implied: &generation.package_rules().implied_packages,
        add_ons_last: generation.package_rules().add_ons_last,
        reads_rich: generation.package_rules().reads_rich_dependencies(),
        known_files: &known,
    };
    let mut solution = solve(&pool, &wanted);
    files.add_conflicts(&pool, &mut solution);
    solution
}

fn solved(base: &[&str], addons: &[&str], asked: &[&str]) -> Solution {
    solved_for(Generation::EL6, base, addons, asked)
}

fn problems(solution: &Solution) -> Vec<String> {
    solution.problems.iter().map(ToString::to_string).collect()
}

const BASE: [&str; 4] = [
    "glibc 2.12-1.149.el6, provides libc.so.6()(64bit)",
    "bash 4.1.2-29.el6, requires libc.so.6()(64bit), file /bin/sh",
    "cronie 1.4.4-12.el6, requires /bin/sh, requires rpmlib(PayloadIsXz) <= 5.2-1",
    "nano 2.0.9-7.el6",
];

#[test]
fn groups_names_and_what_they_require_are_installed_and_no_more() {
    let addons =
        ["perl 5.10.1-136.el6, requires perl-libs = 5.10.1-136.el6", "perl-libs 5.10.1-136.el6"];
    let solution = solved(&BASE, &addons, &["@core", "perl"]);
    assert_eq!(problems(&solution), [""; 0]);
    assert_eq!(
        solution.install,
        [
            "bash-4.1.2-29.el6.x86_64",
            "cronie-1.4.4-12.el6.x86_64",
            "glibc-2.12-1.149.el6.x86_64",
            "perl-5.10.1-136.el6.x86_64",
            "perl-libs-5.10.1-136.el6.x86_64",
        ]
    );
    assert_eq!((solution.addons, solution.unneeded.len(), solution.complete), (2, 0, true));
}

#[test]
fn every_problem_says_who_wants_what_and_what_would_help() {
    let cases: [(&[&str], &[&str], &str); 13] = [
        (&[], &["bc"], "bc is in no repository; bc-1.06.95-1.el6.x86_64.rpm would bring it"),
        (&[], &["@desktop"], "@desktop: the medium has no such group"),
        (
            &["kexec-tools 2.0.0-280.el6, requires bc"],
            &["kexec-tools"],
            "kexec-tools-2.0.0-280.el6.x86_64 (an add-on) requires bc, which no package provides; \
             bc-1.06.95-1.el6.x86_64.rpm would bring it; kexec-tools-2.0.0-280.el6.x86_64 is wanted \
             by the kickstart",
        ),
        (
            &["a 1-1.el6, requires b", "b 1-1.el6, requires glibc >= 2.14"],
            &["a"],
            "b-1-1.el6.x86_64 (an add-on) requires glibc >= 2.14, which no package provides; \
             Packages/glibc 2.12-1.149.el6, provides libc.so.6()(64bit) of the medium provides \
             glibc = 2.12-1.149.el6; b-1-1.el6.x86_64 is wanted by a-1-1.el6.x86_64",
        ),
        (
            &["a 1-1.el6, requires /usr/bin/perl"],
            &["a"],
            "a-1-1.el6.x86_64 (an add-on) requires /usr/bin/perl, which no package provides; \
             a-1-1.el6.x86_64 is wanted by the kickstart",
        ),
        (
            &["a 1-1.el6, requires (b or c)"],
            &["a"],
            "a-1-1.el6.x86_64 requires (b or c), which the installer's rpm cannot read",
        ),
        (
            &["a 1-1.el6, conflicts bash < 5"],
            &["a", "bash"],
            "a-1-1.el6.x86_64 conflicts with bash < 5, which is bash-4.1.2-29.el6.x86_64",
        ),
        (
            &["bash 4.1.2-33.el6, requires libc.so.6()(64bit)"],
            &[],
            "bash-4.1.2-33.el6.x86_64 would be taken instead of the medium's bash-4.1.2-29.el6.x86_64",
        ),
        (
            &["bash 4.1.2-9.el6"],
            &[],
            "bash-4.1.2-9.el6.x86_64 is older than the medium's bash-4.1.2-29.el6.x86_64 and will \
             not be taken",
        ),
        (
            &["zsh 1-1.el6, obsoletes bash < 9, provides /bin/sh"],
            &["bash"],
            "zsh-1-1.el6.x86_64 obsoletes the medium's bash-4.1.2-29.el6.x86_64 and takes its place",
        ),
        (
            &["a 1-1.el6, file /etc/x", "b 1-1.el6, file /etc/x"],
            &["a", "b"],
            "/etc/x is in a-1-1.el6.x86_64 and in b-1-1.el6.x86_64",
        ),
        (&["bash 4.1.2-29.el6, requires libc.so.6()(64bit)"], &["bash"], ""),
        (&["a 1-1.el6, requires a", "b 1-1.el6, conflicts b"], &["a", "b"], ""),
    ];
    for (addons, asked, expected) in cases {
        let found = problems(&solved(&BASE, addons, asked));
        let expected: Vec<&str> =
            Some(expected).into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(found, expected, "{addons:?}");
    }
}

#[test]
fn rich_dependencies_hold_as_rpm_holds_them() {
    // What the package says, what else is asked for, what is installed beside it, and what is said of it.
    let cases: [(&str, &[&str], &str, &str); 14] = [
        ("requires (b if c)", &[], "", ""),
        ("requires (b if c)", &["c"], "b c", ""),
        ("requires (b if c else d)", &[], "d", ""),
        ("requires (b unless c)", &[], "b", ""),
        ("requires (b unless c)", &["c"], "c", "requires (b unless c), which no package provides"),
        ("requires (b unless c)", &["b", "c"], "b c", "requires (b unless c), which no package"),
        ("requires (b unless c else d)", &["c"], "c d", ""),
        ("requires (b or c)", &["c"], "c", ""),
        ("conflicts (b and c)", &["b"], "b", ""),
        (
            "conflicts (b and c)",
            &["b", "c"],
            "b c",
            "with (b and c), which is b-1-1.el9.x86_64 and c-",
        ),
        ("conflicts (b unless c)", &["b", "c"], "b c", ""),
        ("conflicts (b unless c)", &["b"], "b", "with (b unless c), which is b-1-1.el9.x86_64"),
        ("conflicts (b < 2 or nope)", &["b"], "b", "with (b < 2 or nope), which is b-1-1"),
        ("conflicts (b c)", &[], "", "with (b c), which is not written as rpm reads it"),
    ];
    for (says, asked, installed, said) in cases {
        let text = format!("a 1-1.el9, {says}");
        let base = [text.as_str(), "b 1-1.el9", "c 1-1.el9", "d 1-1.el9"];
        let solution =
            solved_for(Generation::try_from(9).unwrap(), &base, &[], &[&["a"], asked].concat());
        let names: Vec<&str> =
            solution.install.iter().map(|one| one.split('-').next().unwrap()).collect();
        let expected: Vec<&str> = ["a"].into_iter().chain(installed.split_whitespace()).collect();
        assert_eq!(names, expected, "{says} {asked:?}");
        let found = problems(&solution);
        assert_eq!(found.len(), usize::from(!said.is_empty()), "{says} {asked:?}: {found:?}");
        assert!(found.iter().all(|text| text.contains(said)), "{says} {asked:?}: {found:?}");
    }
}

#[test]
fn a_package_of_the_medium_may_not_wait_for_an_add_on_on_el6() {
    let base = ["kernel 2.6.32-504.el6, requires bc >= 1"];
    let addons = ["bc 1.06.95-1.el6"];
    assert_eq!(
        problems(&solved(&base, &addons, &["kernel"])),
        ["the medium's kernel-2.6.32-504.el6.x86_64 requires bc >= 1, which only the add-on \
          bc-1.06.95-1.el6.x86_64 provides: add-ons are installed last"]
    );
    assert_eq!(problems(&solved_for(Generation::EL7, &base, &addons, &["kernel"])), [""; 0]);
}

#[test]
fn sixty_four_bits_go_before_thirty_two_and_a_left_out_name_stays_out() {
    let base = [
        "glibc 2.12-1.149.el6 i686, provides libc.so.6",
        "glibc 2.12-1.149.el6, provides libc.so.6()(64bit)",
        "old 1-1.el6 i686, requires libc.so.6",
    ];
    assert_eq!(solved(&base, &[], &["glibc"]).install, ["glibc-2.12-1.149.el6.x86_64"]);
    assert_eq!(
        solved(&base, &[], &["old"]).install,
        ["glibc-2.12-1.149.el6.i686", "old-1-1.el6.i686"]
    );
    let solution = solved(&BASE, &[], &["@core", "-cronie"]);
    assert_eq!(solution.install, ["bash-4.1.2-29.el6.x86_64", "glibc-2.12-1.149.el6.x86_64"]);
}

#[test]
fn packages_that_obsolete_each_other_come_to_an_end() {
    let base = ["a 1-1.el6, obsoletes b", "b 1-1.el6, obsoletes a"];
    assert_eq!(solved(&base, &[], &["a"]).install.len(), 1);
}

#[test]
fn file_lists_answer_for_paths_and_tell_whose_files_an_add_on_brings() {
    let mut pool = Pool::default();
    let mut files = FileOwners::default();
    for text in ["a 1-1.el6", "b 1-1.el6"] {
        pool.add(&package(text), PackageOrigin::Base, text).unwrap();
    }
    let addon = package("c 1-1.el6, requires /opt/a & b, file /etc/b.conf");
    pool.add(&addon, PackageOrigin::AddOn, "c.rpm").unwrap();
    files.add_package(&pool, &addon);
    let list = |name: &str, inner: &str| {
        format!(
            "<package pkgid=\"0\" name=\"{name}\" arch=\"x86_64\"><version epoch=\"0\" ver=\"1\" rel=\"1.el6\"/>{inner}</package>"
        )
    };
    let xml = format!(
        "<filelists packages=\"2\">{}{}</filelists>",
        list("a", "<file>/opt/a &amp; b</file><file type=\"dir\">/etc/b.conf</file>"),
        list("b", "<file>/etc/b.conf</file><file type=\"ghost\">/opt/x</file>"),
    );
    assert_eq!(pool.missing_paths().into_iter().collect::<Vec<_>>(), ["/opt/a & b"]);
    files.read_file_lists(&mut pool, xml.as_bytes()).unwrap();
    let asked = ["b".to_owned(), "c".to_owned()];
    let request = SolveRequest {
        packages: &asked,
        groups: &[],
        implied: &[],
        add_ons_last: true,
        reads_rich: false,
        known_files: &[],
    };
    let mut solution = solve(&pool, &request);
    files.add_conflicts(&pool, &mut solution);
    assert_eq!(solution.install, ["a-1-1.el6.x86_64", "b-1-1.el6.x86_64", "c-1-1.el6.x86_64"]);
    assert_eq!(problems(&solution), ["/etc/b.conf is in c-1-1.el6.x86_64 and in b-1-1.el6.x86_64"]);
    assert!(files.read_file_lists(&mut pool, "<filelists><file>&nope;</file>".as_bytes()).is_ok());
    let nope = list("a", "<file>&nope;</file>");
    assert!(files.read_file_lists(&mut pool, nope.as_bytes()).is_err());
}

#[test]
fn thousands_of_packages_in_a_chain_resolve_in_time() {
    let base: Vec<String> =
        (0..7000).map(|i| format!("p{i} 1-1.el6, requires p{} = 1-1.el6", i + 1)).collect();
    let base: Vec<&str> = base.iter().map(String::as_str).collect();
    let started = Instant::now();
    let solution = solved(&base, &[], &["p0"]);
    assert_eq!((solution.install.len(), solution.problems.len()), (7000, 1));
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// The names of what is installed, and the problems, of packages as an archive lists them.
fn solved_debs(base: &str, added: &str, asked: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut pool = Pool::of_debs();
    for (text, origin) in [(base, PackageOrigin::Base), (added, PackageOrigin::AddOn)] {
        for package in crate::packages::deb::list::parse(text).unwrap() {
            pool.add_deb(&package, origin, &format!("{}.deb", package.name)).unwrap();
        }
    }
    let asked: Vec<String> = asked.iter().map(|&text| text.to_owned()).collect();
    let request = SolveRequest {
        packages: &asked,
        groups: &[],
        implied: &[],
        add_ons_last: false,
        reads_rich: false,
        known_files: &[],
    };
    let solution = solve(&pool, &request);
    let name = |package: &String| package.split('_').next().unwrap_or_default().to_owned();
    (solution.install.iter().map(name).collect(), problems(&solution))
}

#[test]
fn debian_relations_are_met_as_apt_meets_them() {
    let list = |rows: &[(&str, &str, &str)]| -> String {
        let row = |(name, version, more): &(&str, &str, &str)| {
            format!("Package: {name}\nVersion: {version}\nArchitecture: amd64\n{more}\n")
        };
        rows.iter().map(row).collect()
    };
    let base = list(&[
        ("libc6", "2.23-0ubuntu5", ""),
        ("exim4", "4.86", "Provides: mail-transport-agent, smtp (= 2)\n"),
        ("postfix", "3.1", "Provides: mail-transport-agent\nConflicts: mail-transport-agent\n"),
        ("python", "2.7", "Multi-Arch: allowed\n"),
        ("perl", "5.22", ""),
        ("old", "1", "Breaks: newer (<< 2)\n"),
    ]);
    let added = list(&[
        ("a2", "1", "Pre-Depends: libc6 (>= 2.14)\nDepends: gone | exim4, smtp (>= 2)\n"),
        ("b2", "1", "Depends: smtp (>> 2)\n"),
        ("c2", "1", "Depends: mail-transport-agent (>= 1)\n"),
        ("d2", "1", "Depends: python:any, perl:amd64\n"),
        ("e2", "1", "Depends: perl:any | none\n"),
        ("f2", "1", "Depends: mail-transport-agent\n"),
        ("g2", "1", "Depends: perl (= 5.24~rc1-1)\n"),
        ("perl", "5.24~rc1-1", ""),
        ("newer", "1.9", ""),
    ]);
    let cases: &[(&[&str], &[&str], &[&str])] = &[
        (&["a2"], &["a2", "exim4", "libc6"], &[]),
        (
            &["b2"],
            &["b2"],
            &[
                "b2_1_amd64 (an add-on) requires smtp (>> 2), which no package provides; exim4.deb of \
               the medium provides smtp (= 2); b2_1_amd64 is wanted by the preseed",
            ],
        ),
        (
            &["c2"],
            &["c2"],
            &["c2_1_amd64 (an add-on) requires mail-transport-agent (>= 1), which no package \
               provides; exim4.deb of the medium provides mail-transport-agent; postfix.deb of the \
               medium provides mail-transport-agent; c2_1_amd64 is wanted by the preseed"],
        ),
        (&["d2"], &["d2", "perl", "python"], &[]),
        (
            &["e2"],
            &["e2"],
            &["e2_1_amd64 (an add-on) requires perl:any | none, which no package provides; \
               e2_1_amd64 is wanted by the preseed"],
        ),
        (&["f2", "exim4"], &["exim4", "f2"], &[]),
        (&["g2"], &["g2", "perl"], &[]),
        (
            &["old", "newer"],
            &["newer", "old"],
            &["old_1_amd64 conflicts with newer (<< 2), which is newer_1.9_amd64"],
        ),
        (&["smtp"], &["exim4"], &[]),
        (&["mail-transport-agent"], &[], &["mail-transport-agent is in no repository"]),
        (&["postfix"], &["postfix"], &[]),
    ];
    for (asked, install, found) in cases {
        let (installed, problems) = solved_debs(&base, &added, asked);
        assert_eq!(installed, *install, "{asked:?}");
        assert_eq!(problems, *found, "{asked:?}");
    }
}
