//! Ports asked from where they matter: from the host itself, and from the process server.

use super::*;

#[test]
fn ports_are_asked_from_the_host_itself() {
    let dir = here();
    // One that is open and speaks no TLS, one that is closed.
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let (at, off) = (open.local_addr().unwrap().port(), closed.local_addr().unwrap().port());
    drop(closed);
    std::thread::spawn(move || {
        for mut stream in open.incoming().flatten() {
            stream.read_exact(&mut [0; 16]).ok();
            stream.write_all(b"no TLS here\r\n").ok();
        }
    });
    let site = format!(
        "process_servers:\n  - {{ name: on, address: 127.0.0.1, data_port: {at} }}\n  \
         - {{ name: off, address: localhost, data_port: {off} }}\n  \
         - {{ name: nowhere, address: no-such-host.invalid }}\n\
         master_targets: [ {{ name: mt1, ssh: 'local:' }} ]\n"
    );
    write(dir.path(), "site.yaml", &site);
    let output =
        preflight(dir.path(), &["check", "host", "mt1", "--site", "site.yaml", "--format", "json"]);
    let report = report(&output);
    let finding = result(&report, "network.mt-to-ps-9443", "mt1").unwrap();
    if finding["outcome"] == "unknown" && !installed("bash") {
        return skipped("bash is not installed");
    }
    assert_eq!(finding["outcome"], "fail", "{finding}");
    let found = finding["found"].as_str().unwrap();
    assert!(found.starts_with("asked from the master target: "), "{found}");
    let spoken = installed("curl") || installed("openssl");
    for says in [
        format!(
            "127.0.0.1:{at} is open by TCP, {}",
            if spoken { "and nothing there speaks TLS" } else { "TLS was" }
        ),
        format!("localhost:{off} is refused"),
        "no-such-host.invalid:9443 is not found".to_owned(),
    ] {
        assert!(found.contains(&says), "{says}: {found}");
    }
}

#[test]
fn a_process_server_that_refuses_the_bare_request_is_healthy_and_another_answer_is_told() {
    if !(installed("bash") && installed("curl")) {
        return skipped("bash or curl is not installed");
    }
    let dir = here();
    for (status, outcome, severity) in [(400, "pass", "blocks-reprotect"), (503, "fail", "warning")]
    {
        let ps = format!("ps1=127.0.0.1:{}", tls_server::serve("127.0.0.1:0", status));
        let args = ["check", "host", "local:", "--format", "json", "--ps", ps.as_str()];
        let report = report(&preflight(dir.path(), &args));
        let finding = result(&report, "network.mt-to-ps-9443", "local:").unwrap();
        assert_eq!(
            (&finding["outcome"], &finding["severity"]),
            (&outcome.into(), &severity.into()),
            "{finding}"
        );
        let says = format!("is open and answers HTTP {status} over TLS");
        assert!(finding["found"].as_str().unwrap().contains(&says), "{finding}");
    }
}

#[test]
fn a_process_server_with_a_way_to_it_is_asked_itself() {
    let dir = here();
    let site = "configuration_server: { address: no-such-host.invalid }\n\
                process_servers: [ { name: ps1, address: localhost, data_port: 1, ssh: 'local:' } ]\n\
                master_targets: [ { name: mt1, ssh: 'local:' } ]\n";
    write(dir.path(), "site.yaml", site);
    let output =
        preflight(dir.path(), &["check", "host", "mt1", "--site", "site.yaml", "--format", "json"]);
    let report = report(&output);
    let finding = result(&report, "network.ps-to-cs-443", "ps1").unwrap();
    assert_eq!(finding["outcome"], "fail", "{finding}");
    let found = finding["found"].as_str().unwrap();
    assert!(found.starts_with("asked from the process server: no-such-host.invalid"), "{found}");
    assert_eq!(outcome(&report, "network.ps-to-cs-443", "mt1"), "absent");
    assert_eq!(outcome(&report, "mt.root-access", "ps1"), "absent");
    assert_eq!(report["targets"][1]["kind"], "process-server");
}

/// A listener whose queue is full: what knocks gets no answer, as behind a firewall that drops.
struct Deaf {
    address: std::net::SocketAddr,
    _queue: Vec<std::net::TcpStream>,
    _listener: std::process::Child,
}

impl Deaf {
    /// None where the kernel answers all the same.
    fn new() -> Option<Self> {
        // The standard library gives its queue 128 places, and Python says how many.
        let script = "import socket,sys,time\ns=socket.socket()\ns.bind(('127.0.0.1',0))\n\
                      s.listen(0)\nprint(s.getsockname()[1],flush=True)\ntime.sleep(120)\n";
        let mut listener =
            Command::new("python3").args(["-c", script]).stdout(Stdio::piped()).spawn().ok()?;
        let mut text = String::new();
        let mut reader = std::io::BufReader::new(listener.stdout.take()?);
        std::io::BufRead::read_line(&mut reader, &mut text).ok()?;
        let address = format!("127.0.0.1:{}", text.trim()).parse().ok()?;
        let mut queue = Vec::new();
        for _ in 0..8 {
            match std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
                Ok(stream) => queue.push(stream),
                Err(_) => return Some(Self { address, _queue: queue, _listener: listener }),
            }
        }
        listener.kill().ok();
        None
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        self._listener.kill().ok();
        self._listener.wait().ok();
    }
}

#[test]
fn several_filtered_ports_cost_one_time_limit() {
    let deaf: Option<Vec<Deaf>> = (0..4).map(|_| Deaf::new()).collect();
    let (Some(deaf), true) = (deaf, installed("bash")) else {
        return skipped("this machine has no bash, no python3, or answers whoever knocks");
    };
    let dir = here();
    let mut args = vec!["check".to_owned(), "host".to_owned(), "local:".to_owned()];
    args.extend(["--format".to_owned(), "json".to_owned()]);
    for (index, port) in deaf.iter().enumerate() {
        args.extend(["--ps".to_owned(), format!("ps{index}={}", port.address)]);
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let began = Instant::now();
    let output = preflight(dir.path(), &args);
    let took = began.elapsed();
    let report = report(&output);
    let finding = result(&report, "network.mt-to-ps-9443", "local:").unwrap();
    assert_eq!(finding["outcome"], "fail", "{finding}");
    let found = finding["found"].as_str().unwrap();
    assert_eq!(found.matches("filtered: nothing came back").count(), 4, "{found}");
    assert!(took < Duration::from_secs(9), "four time limits of 3 s took {took:?}");
}
