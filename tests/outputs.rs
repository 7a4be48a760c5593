//! A command writes over nothing that it reads, by whatever name, and never two files under one: it
//! refuses before anybody is contacted and before anything is written.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]
#![allow(clippy::print_stdout, reason = "a skip must be told")]

mod program;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use program::{ONE_FILE, names_in, run};

/// Files of every kind that a command reads; their content is never looked at.
fn inputs(dir: &Path) {
    fs::create_dir_all(dir.join("rpms")).unwrap();
    fs::create_dir_all(dir.join("own")).unwrap();
    fs::create_dir_all(dir.join("captures")).unwrap();
    let inputs = [
        "base.iso", "other.iso", "mt.yaml", "mt.vmx", "agent.tar.gz", "key.asc", "rpms/a.rpm",
        "mt1.json", "site.yaml", "hosts.ini", "own/mine.yaml", "id_rsa", "password", "known_hosts",
        "ca.pem", "judge", "captures/mt2.json",
    ];
    for name in inputs {
        fs::write(dir.join(name), format!("precious {name}\n")).unwrap();
    }
    for (name, other) in [("linked.iso", "base.iso"), ("linked.yaml", "site.yaml")] {
        fs::hard_link(dir.join(other), dir.join(name)).unwrap();
    }
    fs::write(dir.join(".r.json.part"), "another name's part\n").unwrap();
}

/// Every file below a directory with its bytes.
fn content(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let files = walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().map(Result::unwrap);
    let files = files.filter(|entry| entry.file_type().is_file());
    files.map(|it| (it.path().display().to_string(), fs::read(it.path()).unwrap())).collect()
}

#[test]
fn nothing_that_is_read_is_written_over() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let host = format!("ssh://root@{address}");
    let server = format!("vsphere://root@{address}");
    let rows = [
        "check image base.iso --output json=base.iso",
        "check image base.iso --output json=./rpms/../base.iso",
        "check image base.iso --output json=linked.iso",
        "check image linked.iso --output html=r.html --fix-script base.iso",
        "check packages --base base.iso --rpms rpms --output text=rpms/a.rpm",
        "check packages --base base.iso --rpm-key key.asc --output text=key.asc",
        "check packages mt.yaml --base base.iso --output text=mt.yaml",
        "check host HOST --site site.yaml --output json=site.yaml",
        "check host HOST --site site.yaml --output json=linked.yaml",
        "check host HOST --identity id_rsa --fix-script id_rsa",
        "check host HOST --password-file password --output json=password",
        "check host HOST --known-hosts known_hosts --output json=known_hosts",
        "check host HOST --checks own --output markdown=own/mine.yaml",
        "check host --inventory hosts.ini --output json=hosts.ini",
        "check host capture:mt1.json --output json=mt1.json",
        "check host capture:captures --output json=captures/mt2.json",
        "check host HOST --vcenter capture:mt1.json --output json=mt1.json",
        "check host capture:.r.json.part --output json=r.json",
        "check vcenter SERVER --ca-file ca.pem --output json=ca.pem",
        "check vcenter capture:mt1.json --output junit=mt1.json",
        "check esxi HOST --password-file password --output json=password",
        "check site site.yaml --output sarif=site.yaml",
        "collect host HOST --password-file password -o password",
        "collect host capture:mt1.json -o mt1.json",
        "collect vcenter SERVER --ca-file ca.pem -o ca.pem",
        "build image mt.yaml -o mt.yaml --overwrite",
        "build image mt.yaml -o new.iso --manifest mt.yaml",
        "build image mt.yaml -o new.iso --output json=mt.yaml",
        "build image demo -o new.iso --base base.iso --manifest linked.iso",
        "build image demo -o base.iso --base base.iso --overwrite",
        "build image demo -o new.iso --agent agent.tar.gz --output json=agent.tar.gz",
        "build image demo -o new.iso --rpms rpms --manifest rpms/a.rpm",
        "build image demo -o new.iso --rpm-key key.asc --manifest key.asc",
        "build image demo -o new.iso --self-check-binary judge --manifest judge",
        "build image demo -o new.iso --set base.file=base.iso --manifest base.iso",
        "build delta base.iso --base other.iso -o other.iso --overwrite",
        "build delta base.iso --base other.iso -o linked.iso --overwrite",
    ];
    for row in rows {
        let dir = tempfile::tempdir().unwrap();
        inputs(dir.path());
        let before = content(dir.path());
        let words =
            row.split(' ').map(|word| word.replace("HOST", &host).replace("SERVER", &server));
        let ran = run(dir.path(), &ONE_FILE, words);
        assert_eq!((ran.code, ran.misdeeds()), (Some(2), Vec::new()), "{row}: {}", ran.text());
        assert!(ran.complaint().contains("is also an input"), "{row}: {}", ran.text());
        assert!(content(dir.path()) == before, "{row}");
        assert!(listener.accept().is_err(), "{row}: somebody was contacted");
    }
}

#[test]
fn what_a_site_or_a_recipe_names_is_not_written_over_either() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let site = format!(
        "process_servers: [ {{ name: ps1, address: 127.0.0.1, ssh: 'ssh://root@{}', password_file: password }} ]\n\
         master_targets: [ {{ name: mt1, ssh: 'capture:linux-mt.mt1.json', identity: id_rsa }} ]\n",
        listener.local_addr().unwrap()
    );
    let rows = [
        "check site site.yaml --output json=linux-mt.mt1.json",
        "check host --site site.yaml --output json=linux-mt.mt1.json",
        "check site site.yaml --fix-script id_rsa",
        "check site site.yaml --output json=password",
        "collect site site.yaml -o .",
    ];
    for row in rows {
        let dir = tempfile::tempdir().unwrap();
        inputs(dir.path());
        fs::write(dir.path().join("site.yaml"), &site).unwrap();
        fs::write(dir.path().join("linux-mt.mt1.json"), "precious\n").unwrap();
        let before = content(dir.path());
        let ran = run(dir.path(), &ONE_FILE, row.split(' '));
        assert_eq!(ran.code, Some(2), "{row}: {}", ran.text());
        assert!(ran.complaint().contains("is also an input"), "{row}: {}", ran.text());
        assert!(content(dir.path()) == before, "{row}");
        assert!(listener.accept().is_err(), "{row}: somebody was contacted");
    }
    let dir = tempfile::tempdir().unwrap();
    inputs(dir.path());
    // The recipe's machine is described in files that are named after it.
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/images/demo.yaml"), dir.path().join("mt.vmx"))
        .unwrap();
    let before = content(dir.path());
    let ran = run(dir.path(), &ONE_FILE, ["build", "vm", "./mt.vmx", "-o", "mt", "--overwrite"]);
    assert_eq!(ran.code, Some(2), "{}", ran.text());
    assert!(ran.complaint().contains("is also an input"), "{}", ran.text());
    assert!(content(dir.path()) == before);
}

#[test]
fn two_outputs_are_two_files() {
    let rows = [
        "check image new.iso --output json=r --output html=r",
        "check image new.iso --output json=r --output html=./r",
        "check image new.iso --output json=r --fix-script rpms/../r",
        "check image new.iso --output json=one --output html=two",
        "build image demo -o new.iso --manifest new.iso",
        "build image demo -o new.iso --manifest new.iso.cdx.json",
        "build image demo -o new.iso --output json=new.iso",
        "build image demo -o new.iso --output json=new.iso.manifest.json",
        "build image demo -o new.iso --output json=new.iso.cdx.json",
    ];
    for row in rows {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("rpms")).unwrap();
        fs::write(dir.path().join("one"), "an old report\n").unwrap();
        fs::hard_link(dir.path().join("one"), dir.path().join("two")).unwrap();
        let before = names_in(dir.path());
        let ran = run(dir.path(), &ONE_FILE, row.split(' '));
        assert_eq!(ran.code, Some(2), "{row}: {}", ran.text());
        assert!(ran.complaint().contains("are the same file"), "{row}: {}", ran.text());
        assert_eq!(names_in(dir.path()), before, "{row}");
    }
}

#[test]
fn what_was_written_before_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let build = "build image demo --overwrite --manifest m.json --output json=r.json";
        let ran = run(dir.path(), &ONE_FILE, build.split(' '));
        assert_eq!(ran.code, Some(0), "{}", ran.text());
        let check =
            "check image demo.iso --output json=s.json --output html=s.html --fix-script f.sh";
        let ran = run(dir.path(), &ONE_FILE, check.split(' '));
        assert_eq!(ran.code, Some(0), "{}", ran.text());
    }
    let names = names_in(dir.path());
    assert_eq!(
        names,
        ["demo.iso", "demo.iso.cdx.json", "f.sh", "m.json", "r.json", "s.html", "s.json"]
    );
}
