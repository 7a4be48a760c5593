//! The page of the `html` format in a real browser: what it shows, that its filter works without a
//! script, that nothing hostile becomes an element, and that it fits a phone.
//!
//! Needs Chromium: `apt-get install chromium`, or PREFLIGHT_CHROMIUM.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

#[path = "html_report/devtools.rs"]
mod devtools;
mod findings;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use findings::{
    HOSTILE, hostile_report, hyperv_report, large_site_report, many_hosts, mixed_report,
    site_report,
};
use preflight::report::{self, Report, Style};
use serde_json::{Value, json};

/// How long one start of the browser may take.
const LIMIT: Duration = Duration::from_secs(120);

fn page(report: &Report) -> String {
    let format = report::format("html").expect("there is an html format");
    String::from_utf8(format.render(report, &Style::default())).expect("a page is UTF-8")
}

/// The browser; none is said loudly, and where tests have to be complete it is a failure.
fn browser() -> Option<PathBuf> {
    let named = std::env::var_os("PREFLIGHT_CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = named.or_else(|| {
        std::env::split_paths(&path)
            .flat_map(|dir| {
                ["chromium", "chromium-browser", "google-chrome"].map(|name| dir.join(name))
            })
            .find(|program| program.is_file())
    });
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "no chromium: the html report was not seen"
        );
        eprintln!("SKIPPED: no chromium, so the html report was not seen by a browser");
    }
    found
}

/// Runs the browser on a file and gives what it printed.
fn run(browser: &Path, arguments: &[&str], file: &Path) -> Vec<u8> {
    let profile = tempfile::tempdir().unwrap();
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--allow-file-access-from-files", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(arguments)
        .arg(format!("file://{}", file.display()))
        .stdout(fs::File::create(profile.path().join("out")).unwrap())
        .stderr(fs::File::create(profile.path().join("err")).unwrap())
        .spawn()
        .expect("the browser starts");
    let began = std::time::Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > LIMIT {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the browser did not end within {LIMIT:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let err = fs::read_to_string(profile.path().join("err")).unwrap_or_default();
    assert!(status.success(), "{status}: {err}");
    fs::read(profile.path().join("out")).unwrap()
}

/// What a script finds out about a page: it runs in a copy that lets it.
fn ask(browser: &Path, page: &str, script: &str) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let policy = regex::Regex::new("<meta http-equiv=\"Content-Security-Policy\"[^>]*>").unwrap();
    let copy = policy.replace(page, "");
    assert_ne!(copy, page, "the page has a policy");
    let script = format!(
        "<script>addEventListener('load', async () => {{ let told; try {{ told = await (async () => \
         {{ {script} }})(); }} catch (error) {{ told = {{ error: String(error) }}; }}\n\
         const pre = document.createElement('pre'); pre.id = 'told';\n\
         pre.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(told))));\n\
         document.documentElement.append(pre); }});</script>"
    );
    fs::write(dir.path().join("page.html"), copy.as_ref()).unwrap();
    let asking = dir.path().join("asking.html");
    fs::write(&asking, copy.replace("</body>", &format!("{script}</body>"))).unwrap();
    let dom = run(browser, &["--virtual-time-budget=8000", "--dump-dom"], &asking);
    let dom = String::from_utf8(dom).unwrap();
    let told = dom
        .split("<pre id=\"told\">")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .unwrap_or_else(|| panic!("the script told nothing: {dom}"));
    let value: Value = serde_json::from_slice(&unbase64(told)).unwrap();
    assert_eq!(value.get("error"), None, "{value}");
    value
}

fn unbase64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let text: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').collect();
    let mut out = Vec::new();
    for four in text.chunks(4) {
        let bits = four.iter().fold(0, |bits, byte| bits << 6 | digit(*byte));
        let bits = bits << (6 * (4 - four.len()));
        out.extend(bits.to_be_bytes()[1..four.len()].iter());
    }
    out
}

/// Whether a link leads to a place on the page, or to a page of the documentation.
fn is_link_of_ours(href: &str) -> bool {
    let pattern =
        "^(#[a-z]+-[a-z0-9]+|https://learn.microsoft.com/azure/site-recovery/[a-z0-9-]+)$";
    regex::Regex::new(pattern).unwrap().is_match(href)
}

#[test]
fn nothing_hostile_becomes_an_element() {
    let Some(browser) = browser() else { return };
    let page = page(&hostile_report());
    let told = ask(
        &browser,
        &page,
        "return { names: [...new Set([...document.querySelectorAll('*')].map(e => e.localName))].sort(),
                  handlers: [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())
                      .filter(name => name.startsWith('on') || name == 'src' || name == 'style'),
                  links: [...document.querySelectorAll('[href]')].map(e => e.getAttribute('href')),
                  text: document.body.innerText, run: window.hacked === undefined }",
    );
    assert_eq!(told["handlers"], json!([]));
    assert_eq!(told["run"], true);
    for link in told["links"].as_array().unwrap() {
        assert!(is_link_of_ours(link.as_str().unwrap()), "{link}");
    }
    for name in told["names"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        // The script is the one that asks.
        let known = "a b body button code dd details div dl dt fieldset figcaption figure footer g \
                     h1 h2 h3 head header html input label legend li main meta nav option p path \
                     ol pre rect script section select small span style summary svg table tbody td \
                     text th thead time title tr ul";
        assert!(known.split_whitespace().any(|known| known == name), "<{name}>");
    }
    let text = told["text"].as_str().unwrap();
    assert!(!text.chars().any(|c| c != '\n' && c != '\t' && report::is_unprintable(c)), "{text}");
    for hostile in HOSTILE.iter().filter(|text| text.is_ascii() && !text.contains(['\u{1b}', '\n']))
    {
        assert!(text.contains(hostile), "{hostile} is not shown: {text}");
    }
}

#[test]
fn the_page_as_it_is_asks_for_nothing_from_elsewhere() {
    let href = regex::Regex::new("href=\"([^\"]*)\"").unwrap();
    for page in [page(&hostile_report()), page(&mixed_report()), page(&site_report())] {
        for forbidden in
            ["<script", "<img", "<image", "<use", "<link", "<iframe", "url(", "@import", " src="]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for link in href.captures_iter(&page) {
            assert!(is_link_of_ours(&link[1]), "{}", &link[1]);
        }
        assert!(page.contains("default-src 'none'"));
        assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    }
}

#[test]
fn the_filter_works_without_a_script() {
    let Some(browser) = browser() else { return };
    let told = ask(
        &browser,
        &page(&mixed_report()),
        "const seen = selector => [...document.querySelectorAll(selector)]
             .filter(e => e.checkVisibility()).map(e => e.textContent.trim());
         const heads = () => seen('h2').map(text => text.replace(/\\s+/g, ' '));
         const told = { all: heads(), checks: seen('main h3') };
         for (const input of document.querySelectorAll('input[name=show]:not(:disabled)')) {
             input.checked = true; told[input.id] = heads();
         }
         told.disabled = [...document.querySelectorAll('input:disabled')].map(e => e.id);
         document.querySelector('#show-all').checked = true;
         for (const option of document.querySelectorAll('option')) {
             option.selected = true; told[option.textContent] = seen('main h3');
             told['rows ' + option.textContent] = seen('tbody th');
         }
         document.querySelector('#show-blocker').checked = true;
         document.querySelectorAll('option')[2].selected = true;
         told.both = seen('main h3');
         told.is = seen('main h3 .is');
         told.should = document.querySelector('.s-blocker .brief').innerText.split('. ')[0].trim();
         return told",
    );
    let all = [
        "Do first", "Blockers 2", "Unknown 5", "Warnings 1", "Waived 1", "Targets 3", "Not run 2",
        "Notes", "Passed 3", "Sources",
    ];
    assert_eq!(told["all"], json!(all));
    for (input, section) in [
        ("show-blocker", "Blockers 2"),
        ("show-unknown", "Unknown 5"),
        ("show-warning", "Warnings 1"),
        ("show-waived", "Waived 1"),
        ("show-pass", "Passed 3"),
    ] {
        assert_eq!(told[input], json!([section]), "{input}");
    }
    assert_eq!(told["show-all"], json!(all));
    assert_eq!(told["disabled"], json!(["show-na"]));
    assert_eq!(told["all 3"], told["checks"]);
    assert_eq!(told["rows mt2"], json!(["mt2"]));
    // A check that failed on two targets is shown for each of them, and only for them.
    let shown = |of: &str, check: &str| {
        told[of].as_array().unwrap().iter().any(|text| text.as_str().unwrap().contains(check))
    };
    for (target, check, expected) in [
        ("mt1", "/mnt/retention is vfat", true),
        ("mt2", "/mnt/retention is msdos", true),
        ("mt3", "/mnt/retention is", false),
        ("mt3", "undecided for one cause", true),
        ("mt1", "undecided for one cause", false),
        ("mt1", "multipath is there", true),
        ("mt3", "multipath is there", false),
    ] {
        assert_eq!(shown(target, check), expected, "{target}: {check}");
    }
    assert_eq!(told["both"], json!(["/mnt/retention is vfat /mnt/retention is msdos"]));
    // A heading says what is on the chosen target, and what should hold stands below.
    assert_eq!(told["is"], json!(["/mnt/retention is msdos"]));
    assert_eq!(told["should"], "Should hold: the retention volume is not FAT");
}

#[test]
fn headings_are_in_order_and_everything_can_be_reached_by_keyboard() {
    let Some(browser) = browser() else { return };
    let told = ask(
        &browser,
        &page(&mixed_report()),
        "const all = s => [...document.querySelectorAll(s)];
         return { levels: all('h1,h2,h3,h4').map(e => +e.localName[1]),
                  lang: document.documentElement.lang,
                  unreachable: all('input:not(:disabled),select,summary').filter(e =>
                      e.checkVisibility() && (e.tabIndex < 0 || getComputedStyle(e).visibility == 'hidden'))
                      .length,
                  unlabelled: all('input,select').filter(e => e.labels.length == 0).length,
                  ids: all('[id]').map(e => e.id), open: all('details.card[open] h3').map(e => e.textContent),
                  selected: getComputedStyle(document.querySelector('.command')).userSelect,
                  duplicate: new Set(all('[id]').map(e => e.id)).size }",
    );
    let levels: Vec<i64> =
        told["levels"].as_array().unwrap().iter().map(|l| l.as_i64().unwrap()).collect();
    assert_eq!(levels.first(), Some(&1));
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
    assert_eq!(told["lang"], "en");
    assert_eq!(told["unreachable"], 0);
    assert_eq!(told["unlabelled"], 0);
    assert_eq!(told["selected"], "all");
    assert_eq!(told["open"].as_array().unwrap().len(), 1, "blockers are unfolded: {told}");
    assert_eq!(told["duplicate"].as_u64().unwrap() as usize, told["ids"].as_array().unwrap().len());
}

#[test]
fn the_page_fits_a_phone() {
    let Some(browser) = browser() else { return };
    for report in [mixed_report(), hostile_report(), many_hosts(40), site_report()] {
        let told = ask(
            &browser,
            &page(&report),
            "const frame = document.createElement('iframe');
             frame.style.width = '360px'; frame.style.height = '800px'; frame.src = 'page.html';
             const loaded = new Promise(done => frame.onload = done);
             document.body.append(frame); await loaded;
             const inner = frame.contentDocument;
             for (const e of inner.querySelectorAll('details')) e.open = true;
             return { width: inner.documentElement.scrollWidth, room: frame.contentWindow.innerWidth }",
        );
        assert!(told["room"].as_i64().unwrap() >= 320, "{told}");
        assert!(told["width"].as_i64() <= told["room"].as_i64(), "it scrolls sideways: {told}");
    }
}

#[test]
fn light_and_dark_can_be_read() {
    let Some(browser) = browser() else { return };
    // WCAG's contrast of every text with what is painted behind it.
    let script = "const rgb = text => { const n = text.match(/[\\d.]+/g).map(Number); return { c: n.slice(0, 3), a: n[3] ?? 1 } };
         const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 });
             return .2126 * r + .7152 * g + .0722 * b };
         const behind = e => { for (; e; e = e.parentElement) { const b = rgb(getComputedStyle(e).backgroundColor); if (b.a > 0) return b.c } return [255, 255, 255] };
         for (const e of document.querySelectorAll('details')) e.open = true;
         const told = []; let seen = 0;
         for (const e of document.querySelectorAll('body *')) {
             if (!e.checkVisibility() || e.closest(':has(> :disabled)')) continue;
             if (![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim())) continue;
             const [a, b] = [light(rgb(getComputedStyle(e).color).c), light(behind(e))].sort((x, y) => y - x);
             const ratio = (a + .05) / (b + .05); seen++;
             if (ratio < 4.5) told.push(e.localName + '.' + e.className + ' ' + ratio.toFixed(2));
         }
         return { low: [...new Set(told)], seen, dark: matchMedia('(prefers-color-scheme: dark)').matches }";
    let light = page(&mixed_report());
    // What the browser takes for the reader's wish cannot be set in one way for all its versions.
    let dark = light.replace("@media screen and (prefers-color-scheme: dark)", "@media screen");
    assert_ne!(light, dark);
    for page in [light, dark] {
        let told = ask(&browser, &page, script);
        assert!(told["seen"].as_i64().unwrap() > 50, "{told}");
        assert_eq!(told["low"], json!([]), "{told}");
    }
}

/// With PREFLIGHT_PICTURES=DIR the pages and their pictures stay there, to be looked at.
#[test]
fn a_picture_of_the_page_is_not_empty() {
    let Some(browser) = browser() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("PREFLIGHT_PICTURES").map(PathBuf::from);
    let dir = kept.as_deref().unwrap_or(scratch.path());
    for (name, report) in [
        ("mixed", mixed_report()),
        ("many", many_hosts(40)),
        ("hostile", hostile_report()),
        ("site", site_report()),
        ("large", large_site_report(50, 500)),
    ] {
        let light = page(&report);
        let dark = light.replace("@media screen and (prefers-color-scheme: dark)", "@media screen");
        for (kind, page, width) in
            [("light", &light, 1100), ("dark", &dark, 1100), ("narrow", &light, 500)]
        {
            let file = dir.join(format!("{name}-{kind}.html"));
            fs::write(&file, page).unwrap();
            let picture = file.with_extension("png");
            let shot = format!("--screenshot={}", picture.display());
            run(&browser, &[&format!("--window-size={width},2000"), &shot], &file);
            let png = fs::read(&picture).unwrap();
            assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
            let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
            assert_eq!((number(16), number(20)), (width, 2000));
            assert!(png.len() > 30_000, "{name}, {kind}: {} bytes are a blank page", png.len());
        }
        let pdf = dir.join(format!("{name}.pdf"));
        let print = format!("--print-to-pdf={}", pdf.display());
        run(&browser, &["--no-pdf-header-footer", &print], &dir.join(format!("{name}-light.html")));
        let pdf = fs::read(&pdf).unwrap();
        assert!(pdf.starts_with(b"%PDF") && pdf.len() > 20_000, "{} bytes", pdf.len());
    }
}

/// Finds out what the picture of a page shows, at the width of a computer or of a phone.
fn ask_picture(browser: &Path, report: &Report, width: u32) -> Value {
    let script = "const frame = document.createElement('iframe');
         frame.style.width = 'WIDTHpx'; frame.style.height = '900px'; frame.src = 'page.html';
         const loaded = new Promise(done => frame.onload = done);
         document.body.append(frame); await loaded;
         const inner = frame.contentDocument;
         const shown = [...inner.querySelectorAll('svg.drawing')].filter(e => e.checkVisibility());
         const all = s => shown.flatMap(svg => [...svg.querySelectorAll(s)]);
         const place = e => { const r = e.getBoundingClientRect();
             return { left: r.left, right: r.right, top: r.top, bottom: r.bottom, words: e.textContent || e.parentNode.textContent } };
         const clash = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
         const pairs = (xs, ys) => xs.flatMap((x, n) => ys.slice(xs === ys ? n + 1 : 0)
             .filter(y => clash(x, y)).map(y => x.words + ' / ' + y.words));
         const boxes = all('.box').map(place), words = all('.label').map(place);
         const links = all('a').map(a => { a.focus();
             const to = inner.getElementById(a.getAttribute('href').slice(1));
             return { name: a.querySelector('title').textContent, label: a.matches('.label'),
                      focused: inner.activeElement === a, tab: a.tabIndex,
                      to: to && to.textContent.trim().replace(/\\s+/g, ' ') } });
         const focus = all('a .box')[0]; focus.closest('a').focus();
         const lit = getComputedStyle(focus).strokeWidth;
         focus.closest('a').dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
         await new Promise(done => setTimeout(done, 200));
         return { drawings: shown.length, boxes: boxes.length, on_boxes: pairs(boxes, boxes),
                  words_on_boxes: pairs(words, boxes), words_on_words: pairs(words, words), links, lit,
                  hash: frame.contentWindow.location.hash,
                  texts: all('.label').map(e => [...e.querySelectorAll('text')].map(t => t.textContent).join(' ')),
                  titles: all('.label title').map(e => e.textContent) }";
    ask(browser, &page(report), &script.replace("WIDTH", &width.to_string()))
}

#[test]
fn every_box_of_the_picture_leads_to_what_was_found() {
    let Some(browser) = browser() else { return };
    for width in [1100, 360] {
        let told = ask_picture(&browser, &site_report(), width);
        assert_eq!(told["drawings"], 1, "one drawing is shown");
        assert_eq!(told["boxes"], 13);
        let links = told["links"].as_array().unwrap();
        for link in links {
            assert_eq!(link["focused"], true, "{link}");
            assert_eq!(link["tab"], 0, "{link}");
            assert!(link["to"].is_string(), "{link}");
        }
        let to = |name: &str| {
            let link = links.iter().find(|link| link["name"].as_str().unwrap().starts_with(name));
            link.unwrap_or_else(|| panic!("no link of {name}"))["to"].as_str().unwrap()
        };
        assert!(to("master target mt2: blocked, 2 fail").starts_with("mt2"));
        assert!(to("configuration server cs01.example.test").starts_with("cs01.example.test"));
        assert!(to("The way between").contains("there is a way"), "{}", to("The way between"));
        // The words at an arrow lead to the check that asked.
        assert!(to("mt2 to cs01.example.test, TCP 443").contains("443 is refused"));
        assert!(to("ps1 to cs01.example.test, TCP 443").contains("it is open"));
        assert_eq!(told["lit"], "3px", "the focus can be seen");
        assert!(told["hash"].as_str().unwrap().starts_with("#"), "{told}");
    }
}

/// Where the focus is: what it is on, its words, and whether it can be seen there.
const FOCUSED: &str = "(() => { const e = document.activeElement;
    const title = e.querySelector(':scope > title'), box = e.querySelector('.box');
    const style = getComputedStyle(e);
    return { tag: e.localName, words: (title || e).textContent.trim().replace(/\\s+/g, ' ').slice(0, 80),
             picture: !!e.closest('svg.drawing'), seen: e.matches(':focus-visible')
                 && (box ? getComputedStyle(box).strokeWidth == '3px' : true), outline: style.outlineStyle } })()";

#[test]
fn the_tab_key_walks_through_the_picture_and_the_findings() {
    let Some(program) = browser() else { return };
    let dir = tempfile::tempdir().unwrap();
    for (name, report, width) in [
        ("vmware", site_report(), 1100),
        ("phone", site_report(), 500),
        ("hyperv", hyperv_report(), 1100),
    ] {
        let file = dir.path().join(format!("{name}.html"));
        fs::write(&file, page(&report)).unwrap();
        let mut browser = devtools::Browser::open(&program, &file, width);
        let expected = browser.evaluate(
            "[...document.querySelectorAll('svg.drawing')].filter(e => e.checkVisibility())
                 .flatMap(e => [...e.querySelectorAll('a')]).map(e => e.querySelector('title').textContent.trim()
                 .replace(/\\s+/g, ' ').slice(0, 80))",
        );
        let mut walked: Vec<Value> = Vec::new();
        loop {
            browser.press("Tab");
            let focused = browser.evaluate(FOCUSED);
            // Behind the last one the page itself has the focus.
            if focused["tag"] == "body" || walked.len() > 400 {
                break;
            }
            assert_eq!(focused["seen"], true, "{name}: {focused}");
            walked.push(focused);
        }
        let of_picture: Vec<&Value> =
            walked.iter().filter(|at| at["picture"] == true).map(|at| &at["words"]).collect();
        assert_eq!(json!(of_picture), expected, "{name}: each box and arrow once, in order");
        assert!(of_picture.len() > 3, "{name}: {of_picture:?}");
        for tag in ["summary", "input", "select"] {
            assert!(walked.iter().any(|at| at["tag"] == tag), "{name}: no {tag} is reached");
        }
        // Back to the picture, and from there to what was found.
        browser.evaluate("document.activeElement.blur()");
        browser.evaluate("window.scrollTo(0, 0)");
        while browser.evaluate(FOCUSED)["picture"] != true {
            browser.press("Shift+Tab");
        }
        browser.press("Enter");
        let hash = browser.evaluate("location.hash");
        assert!(hash.as_str().unwrap().len() > 1, "{name}: Enter leads nowhere");
        let target = browser.evaluate("!!document.querySelector(location.hash)");
        assert_eq!(target, true, "{name}: {hash}");
    }
}

#[test]
fn a_hyperv_site_has_a_picture_of_its_own() {
    let Some(browser) = browser() else { return };
    for width in [1100, 360] {
        let told = ask_picture(&browser, &hyperv_report(), width);
        assert_eq!(told["drawings"], 1, "{told}");
        for pairs in ["on_boxes", "words_on_boxes", "words_on_words"] {
            assert_eq!(told[pairs], json!([]), "{pairs} at {width}");
        }
        let texts = told["texts"].to_string();
        assert!(texts.contains("443 not connected"), "{texts}");
        let titles = told["titles"].to_string();
        assert!(titles.contains("app-01 to its Hyper-V host"), "{titles}");
    }
    let page = page(&hyperv_report());
    for word in ["master target mt", "VPN or ExpressRoute", "vCenter", "process server ps"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn a_page_has_the_name_of_its_site() {
    let page = page(&site_report());
    assert!(page.contains("<title>Blocked: Falun - preflight report</title>"));
    assert!(page.contains("<h2 id=\"h-site\" class=\"remote\">Falun</h2>"));
    let text = report::format("text").expect("there is a text format");
    let text = text.render(&site_report(), &Style::default());
    assert!(text.starts_with(b"preflight report: Falun\n9 targets: 10 checks\n"));
}

#[test]
fn nothing_in_the_picture_lies_on_anything_else() {
    let Some(browser) = browser() else { return };
    for report in [site_report(), large_site_report(50, 500), large_site_report(2, 3)] {
        for width in [1100, 360] {
            let told = ask_picture(&browser, &report, width);
            for pairs in ["on_boxes", "words_on_boxes", "words_on_words"] {
                assert_eq!(told[pairs], json!([]), "{pairs} at {width}");
            }
        }
    }
}

#[test]
fn what_is_refused_is_shown_as_refused() {
    let Some(browser) = browser() else { return };
    let told = ask_picture(&browser, &site_report(), 1100);
    let mut texts: Vec<&str> =
        told["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    texts.sort_unstable();
    assert_eq!(
        texts,
        [
            "443 no DNS", "443 not asked", "443 not asked", "443 not asked", "443 open",
            "443 open", "443 refused", "9443 not asked", "9443 not asked", "9443 open",
            "9443 refused 1/2", "attached", "connected", "disconnected", "not attached",
        ]
    );
    let titles = told["titles"].to_string();
    assert!(titles.contains("mt2 to ps2, TCP 9443: refused (ps2 is refused)."), "{titles}");
}

#[test]
fn the_picture_is_printed_and_a_large_site_stays_small() {
    let Some(browser) = browser() else { return };
    let dir = tempfile::tempdir().unwrap();
    let printed = |name: &str, page: &str| {
        let (file, pdf) = (dir.path().join(name), dir.path().join("page.pdf"));
        fs::write(&file, page).unwrap();
        let print = format!("--print-to-pdf={}", pdf.display());
        run(&browser, &["--no-pdf-header-footer", &print], &file);
        fs::read(&pdf).unwrap().len()
    };
    let whole = page(&site_report());
    let section = regex::Regex::new("(?s)<section class=\"site\".*?</section>").unwrap();
    let without = section.replace(&whole, "");
    assert!(without.len() + 10_000 < whole.len(), "the picture is a section");
    let (with, without) = (printed("with.html", &whole), printed("without.html", &without));
    assert!(with > without + 2_000, "{with} bytes with the picture, {without} without");
    let large = page(&large_site_report(50, 500));
    let picture = section.find(&large).unwrap().len();
    assert!(picture < 80_000, "{picture} bytes of picture");
    assert!(large.len() < 500_000, "{} bytes", large.len());
}
