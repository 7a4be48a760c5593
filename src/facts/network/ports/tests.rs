//! What the answer about ports means, line by line.

use super::*;

fn server(line: &str) -> PortFacts {
    let text = format!("agent cs01\nport configuration-server {line}\n");
    parse(&text).configuration_server.known().unwrap().clone()
}

#[test]
fn tcp_tls_and_http_are_told_apart() {
    use PortState::{Dns, Filtered, NoRoute, Open, Refused};
    for (line, state, tls, said) in [
        ("cs01 443 open yes 200 ", Open, Some(true), "open and answers HTTP 200 over TLS"),
        ("cs01 443 open yes 000 ", Open, Some(true), "open and speaks TLS"),
        ("cs01 443 open no 000 ", Open, Some(false), "open by TCP, and nothing there speaks TLS"),
        ("cs01 443 open not-asked 000 ", Open, None, "open by TCP, TLS was not asked"),
        (
            "cs01 443 refused not-asked 000 Connection refused",
            Refused,
            Some(false),
            "refused: the machine is there and nothing listens",
        ),
        (
            "cs01 443 filtered not-asked 000 ",
            Filtered,
            Some(false),
            "filtered: nothing came back within 3 s",
        ),
        (
            "cs01 443 dns not-asked 000 the name is not known here",
            Dns,
            Some(false),
            "not found: the name is not known here",
        ),
        (
            "10.9.9.9 443 no-route not-asked 000 No route to host",
            NoRoute,
            Some(false),
            "not reachable: there is no route to it",
        ),
    ] {
        let port = server(line);
        assert_eq!(port.state, Fact::Known(state), "{line}");
        assert_eq!(port.tls.known().copied(), tls, "{line}");
        assert_eq!(port.said, format!("{} is {said}", port.place), "{line}");
    }
}

#[test]
fn a_web_service_is_known_by_its_answer_and_no_other() {
    for (line, serves) in [
        ("cs01 443 open yes 200 ", Some(true)),
        ("cs01 443 open yes 000 ", None),
        ("cs01 443 open yes 302 ", None),
        ("cs01 443 open yes 403 ", None),
        ("cs01 443 open yes 503 ", None),
        ("cs01 443 open not-asked 000 ", None),
        ("cs01 443 open no 000 ", Some(false)),
        ("cs01 443 refused not-asked 000 Connection refused", Some(false)),
        ("cs01 443 unknown not-asked 000 ", None),
    ] {
        assert_eq!(server(line).serves.known().copied(), serves, "{line}");
    }
}

#[test]
fn what_could_not_be_asked_is_no_closed_port() {
    for (line, why) in [
        (
            "cs01 443 unknown not-asked 000 neither bash nor nc is there",
            "asking cs01:443: neither bash nor nc is there",
        ),
        ("cs01 443 unknown not-asked 000 ", "the answer about cs01:443 is not understood"),
        ("cs01 443 opened yes 200 ", "the answer about cs01:443 is not understood"),
        ("cs01 443", "the answer about cs01:443 is not understood"),
    ] {
        let port = server(line);
        assert_eq!(port.state, Fact::unavailable(why), "{line}");
        assert_eq!(port.tls, Fact::unavailable(why), "{line}");
    }
    for (text, why) in [
        (
            "",
            "the address of the configuration server is not known (--cs): the agent's configuration was not read",
        ),
        (
            "agent -\n",
            "the address of the configuration server is not known (--cs): drscout.conf has no Hostname",
        ),
        ("agent cs01\n", "the answer about it was cut off"),
        ("agent cs01\nport configuration-server cs01 x\n", "the answer about it was cut off"),
    ] {
        assert_eq!(parse(text).configuration_server, Fact::unavailable(why), "{text:?}");
    }
}

#[test]
fn the_configuration_server_is_the_same_when_it_has_the_same_address_here() {
    let at = |text: &str| parse(text).same_server;
    let site = "at configuration-server cs01 443 10.0.0.1 STREAM cs01 fe80::1 STREAM\n";
    for (text, expected) in [
        (format!("agent cs01\n{site}"), Some(true)),
        (format!("agent 10.0.0.1\n{site}at agent-server 10.0.0.1 443 10.0.0.1\n"), Some(true)),
        (
            format!("agent old\n{site}at agent-server old 443 10.0.0.9 STREAM old STREAM\n"),
            Some(false),
        ),
        (format!("agent old\n{site}at agent-server old 443\n"), None),
        (format!("agent old\n{site}"), None),
        ("agent old\n".to_owned(), None),
        (site.to_owned(), None),
    ] {
        assert_eq!(at(&text).known().copied(), expected, "{text}");
    }
}

#[test]
fn lists_have_one_order() {
    let text = "port process-server ps2 9443 open yes 400 \n\
                port process-server ps1 9443 refused not-asked 000 Connection refused\n\
                port vcenter vc1 443 open yes 200 \n";
    let ports = parse(text);
    let names: Vec<&str> =
        ports.process_servers.items.iter().map(|port| port.address.as_str()).collect();
    assert_eq!(names, ["ps1", "ps2"]);
    assert_eq!(ports.vcenters.items[0].place, "vc1:443");
}
#[test]
fn a_line_counts_for_the_server_it_names_at_the_port_it_names() {
    let text = "agent cs01.example.test\n\
                at configuration-server cs01.example.test 443 10.0.0.1\n\
                port configuration-server cs01.example.test 443 open yes 200 \n\
                port process-server ps1 9443 open yes 400 \n\
                port process-server fe80::5 9443 open yes 400 \n\
                port vcenter vc1 443 open yes 200 \n";
    let env = |cs: &str, ps: &[(&str, u16)], vc: &[(&str, u16)]| {
        let all = |of: &[(&str, u16)]| of.iter().map(|(a, p)| ((*a).to_owned(), *p)).collect();
        ProbeEnv {
            configuration_server: (!cs.is_empty()).then(|| cs.to_owned()),
            process_servers: all(ps),
            vcenters: all(vc),
            ..ProbeEnv::default()
        }
    };
    // By role: whether each of its servers was answered for.
    let states = |env: &ProbeEnv| {
        let facts = parse(&apply_query(text, env));
        let known = |port: &PortFacts| port.state.known().is_some();
        let all = |list: &Collection<PortFacts>| list.items.iter().map(known).collect::<Vec<_>>();
        let server = facts.configuration_server.known().map(known);
        (
            server,
            facts.same_server.known().copied(),
            all(&facts.process_servers),
            all(&facts.vcenters),
        )
    };
    let (yes, no) = (Some(true), Some(false));
    for (cs, ps, vc, expected) in [
        ("", &[][..], &[][..], (yes, yes, vec![true, true], vec![true])),
        ("cs01.example.test", &[], &[], (yes, yes, vec![true, true], vec![true])),
        ("CS01.Example.TEST.", &[], &[], (yes, yes, vec![true, true], vec![true])),
        ("10.0.0.1", &[], &[], (no, None, vec![true, true], vec![true])),
        ("cs02", &[], &[], (no, None, vec![true, true], vec![true])),
        ("", &[("ps1", 9443)], &[], (yes, yes, vec![true], vec![true])),
        (
            "",
            &[("PS1.", 9443), ("[FE80:0::5]", 9443)],
            &[],
            (yes, yes, vec![true, true], vec![true]),
        ),
        ("", &[("ps1", 9444)], &[], (yes, yes, vec![false], vec![true])),
        ("", &[("ps1", 9443), ("ps1", 443)], &[], (yes, yes, vec![false, true], vec![true])),
        // A role is part of the question: that it is a vCenter's port says nothing of a process server.
        ("", &[("vc1", 443)], &[], (yes, yes, vec![false], vec![true])),
        ("", &[], &[("vc1", 443)], (yes, yes, vec![true, true], vec![true])),
        ("", &[], &[("vc1", 8443)], (yes, yes, vec![true, true], vec![false])),
        ("", &[], &[("vc2", 443)], (yes, yes, vec![true, true], vec![false])),
    ] {
        assert_eq!(states(&env(cs, ps, vc)), expected, "{cs} {ps:?} {vc:?}");
    }
    let facts = parse(&apply_query(text, &env("10.0.0.1", &[], &[])));
    let reason = "the host was asked about cs01.example.test:443, not about 10.0.0.1:443";
    assert_eq!(facts.configuration_server.known().unwrap().state, Fact::unavailable(reason));
    assert_eq!(facts.same_server, Fact::unavailable(reason));
}

#[test]
fn two_answers_about_one_port_are_none() {
    let twice = |second: &str| {
        let text = format!("port vcenter vc1 443 open yes 200 \nport vcenter vc1 443 {second}\n");
        parse(&text).vcenters.items
    };
    assert_eq!(twice("open yes 200 ")[0].state, Fact::Known(PortState::Open));
    let other = twice("refused not-asked 000 Connection refused");
    assert_eq!(other.len(), 1);
    assert_eq!(other[0].state, Fact::unavailable("there are two different answers about vc1:443"));
}

#[test]
fn a_line_that_the_probe_does_not_print_makes_all_unknown() {
    use crate::facts::file::tests::guest_transcript;
    let good = "agent cs01\nat configuration-server cs01 443 10.0.0.1\n\
                port configuration-server cs01 443 open yes 200 \n\
                port process-server ? 0 unknown not-asked 000 no address\n\
                port process-server ps1 9443 refused not-asked 000 Connection refused\n";
    for (text, known) in [
        (good.to_owned(), true),
        ("\n".to_owned(), true),
        (format!("agent-unreadable /etc/drscout.conf\n{good}"), true),
        (format!("{good}Segmentation fault\n"), false),
        (format!("{good}port\n"), false),
        (format!("{good}port process-server ps2\n"), false),
        (format!("sh: line 12: ports: command not found\n{good}"), false),
        (good.trim_end().to_owned(), false),
    ] {
        let transcript = guest_transcript(&[("ports", 0, &text)]);
        let agent = crate::facts::agent::unified_agent::from_transcript(&transcript);
        assert_eq!(from_transcript(&transcript, &agent).is_ok(), known, "{text:?}");
    }
}
