//! Where the boxes and arrows of a site's picture stand: Azure, the way between, and home side by
//! side on a wide page, one above the other on a phone. Whole units, nothing measured.
//!
//! Every arrow of a kind shares one line that runs through the margins, so no line crosses a box.
//! Not for what the boxes say (`site_picture`), nor for how they look (`templates/report/`).

use serde_json::{Value, json};

use super::drawing::{Drawing, DrawnBox, head_down, head_left, head_right, head_up};
use super::layout::make_visible;
use super::site_picture::{Arrow, SiteBox, SitePicture, Tier};
use crate::facts::stage::Scenario;

/// The height of a box: four lines of text.
const BOX_HEIGHT: i32 = 82;

/// The two pictures of a site.
pub(super) fn drawings(picture: &SitePicture) -> Vec<Drawing> {
    [&WIDE, &NARROW].into_iter().map(|frame| Sketch::new(frame, picture).draw()).collect()
}

/// The measures of one kind of picture.
struct Frame {
    class: &'static str,
    is_wide: bool,
    box_width: i32,
    /// How many characters of a box's name are shown.
    name_chars: usize,
    /// How many boxes stand beside each other at home.
    columns: i32,
    gap: i32,
    /// From the left of the zone at home to its first box.
    left: i32,
    home_width: i32,
    /// The lines in the margins at home, from its left.
    server_lane: i32,
    process_lane: i32,
    host_lane: i32,
    machine_lane: i32,
    /// The column of vCenter.
    vcenter_column: i32,
}

const WIDE: Frame = Frame {
    class: "across",
    is_wide: true,
    box_width: 156,
    name_chars: 17,
    columns: 3,
    gap: 16,
    left: 54,
    home_width: 592,
    server_lane: 34,
    process_lane: 18,
    host_lane: 572,
    machine_lane: 44,
    vcenter_column: 2,
};

const NARROW: Frame = Frame {
    class: "stacked",
    is_wide: false,
    box_width: 138,
    name_chars: 15,
    columns: 2,
    gap: 16,
    left: 34,
    home_width: 360,
    server_lane: 18,
    process_lane: 350,
    host_lane: 338,
    machine_lane: 26,
    vcenter_column: 1,
};

/// Where the zone at home begins beside Azure and the way.
const HOME_X: i32 = 392;

/// The lines that leave and enter Azure on a wide page.
const OUT_X: i32 = 250;
const IN_X: i32 = 262;
const AZURE_WIDTH: i32 = 276;

/// From the boxes above to a row of master targets: the lines and their words.
const TARGETS_GAP: i32 = 66;

/// From the top of a zone to its first box.
const HEAD: i32 = 40;

/// A picture in the making.
struct Sketch<'p> {
    frame: &'static Frame,
    picture: &'p SitePicture,
    /// The upper left corner of each box.
    corners: Vec<(i32, i32)>,
    zones: Vec<Value>,
    wires: Vec<Value>,
    labels: Vec<Value>,
    way: (i32, i32, i32, i32),
    home: (i32, i32),
    height: i32,
}

impl<'p> Sketch<'p> {
    fn new(frame: &'static Frame, picture: &'p SitePicture) -> Self {
        Self {
            frame,
            picture,
            corners: vec![(0, 0); picture.boxes.len()],
            zones: Vec::new(),
            wires: Vec::new(),
            labels: Vec::new(),
            way: (0, 0, 0, 0),
            home: (0, 0),
            height: 0,
        }
    }

    fn draw(mut self) -> Drawing {
        let has_azure = self.places(Tier::Way).next().is_some();
        let azure_end = if has_azure { self.place_azure() } else { 0 };
        self.home = match (has_azure, self.frame.is_wide) {
            (false, _) => (0, 0),
            (true, true) => (HOME_X, 0),
            (true, false) => (0, azure_end + 78),
        };
        let home_end = self.place_home();
        self.height = home_end.max(azure_end);
        let home = self.home;
        let (width, height) = (self.frame.home_width, self.height);
        if self.frame.is_wide {
            if has_azure {
                self.zone("Azure", (0, 0), (AZURE_WIDTH, height));
                self.way = (281, HEAD + 6, 106, 108);
            }
            self.zone("On premises", home, (width, height));
        } else {
            if has_azure {
                self.zone("Azure", (0, 0), (width, azure_end));
                self.way = (8, azure_end + 14, width - 16, 50);
            }
            self.zone("On premises", home, (width, height - home.1));
        }
        self.connect_server();
        self.connect_process_servers();
        self.connect_vcenter();
        self.connect_hosts();
        self.connect_machines();
        self.connect_azure();
        let width = home.0 + width;
        let boxes = (0..self.picture.boxes.len()).map(|place| self.drawn_box(place)).collect();
        let class = self.frame.class;
        Drawing {
            class,
            // With the halves of the lines around the zones.
            width: width + 4,
            height: self.height + 4,
            zones: self.zones,
            wires: self.wires,
            boxes,
            labels: self.labels,
        }
    }

    fn zone(&mut self, title: &'static str, (x, y): (i32, i32), (width, height): (i32, i32)) {
        let (title_x, title_y) = (x + if self.frame.is_wide { 16 } else { 34 }, y + 25);
        self.zones.push(json!({
            "x": x, "y": y, "width": width, "height": height,
            "title": title, "title_x": title_x, "title_y": title_y,
        }));
    }

    /// Returns the places of the boxes of a tier.
    fn places(&self, tier: Tier) -> impl Iterator<Item = usize> + use<'p> {
        let boxes = self.picture.boxes.iter().enumerate();
        boxes.filter(move |(_, (site_box, _))| site_box.tier == tier).map(|(place, _)| place)
    }

    fn site_box(&self, place: usize) -> &'p SiteBox {
        &self.picture.boxes[place].0
    }

    /// Places the boxes in Azure and returns where the zone ends.
    fn place_azure(&mut self) -> i32 {
        let machines = self.places(Tier::AzureMachines).next();
        let servers: Vec<usize> = self.places(Tier::ProcessServers).collect();
        let mut y = HEAD;
        let x = if self.frame.is_wide { 16 } else { self.frame.left };
        if let Some(place) = machines {
            self.corners[place] = (x, y);
            y += BOX_HEIGHT + if self.frame.is_wide { 44 } else { 70 };
        }
        if self.frame.is_wide {
            for place in servers {
                self.corners[place] = (x, y);
                y += BOX_HEIGHT + 22;
            }
            return y;
        }
        for (index, place) in servers.iter().enumerate() {
            let column = i32::try_from(index % 2).expect("it is 0 or 1");
            self.corners[*place] = (x + column * (self.frame.box_width + self.frame.gap), y);
            if column == 1 || index + 1 == servers.len() {
                y += BOX_HEIGHT + 54;
            }
        }
        y
    }

    /// Places the boxes at home and returns where the zone ends.
    fn place_home(&mut self) -> i32 {
        let (left, mut y) = (self.home.0 + self.frame.left, self.home.1 + HEAD);
        let column = self.frame.box_width + self.frame.gap;
        let server = self.places(Tier::ConfigurationServer).next();
        let vcenter = self.places(Tier::Vcenter).next();
        for (place, at) in [(server, 0), (vcenter, self.frame.vcenter_column)] {
            if let Some(place) = place {
                self.corners[place] = (left + at * column, y);
            }
        }
        if server.or(vcenter).is_some() {
            y += BOX_HEIGHT;
        }
        let columns = usize::try_from(self.frame.columns).expect("it is small");
        let targets: Vec<usize> = self.places(Tier::MasterTargets).collect();
        let hosts: Vec<usize> = self.places(Tier::Hosts).collect();
        let machines: Vec<usize> = self.places(Tier::Machines).collect();
        // Few hosts stand beside the master targets, below vCenter.
        let is_shared = self.frame.is_wide && targets.len() + hosts.len() <= columns;
        let (beside, below) = if is_shared { (hosts, Vec::new()) } else { (Vec::new(), hosts) };
        for (at, place) in (0..).zip(beside.iter().rev()) {
            self.corners[*place] = (left + (self.frame.columns - 1 - at) * column, y + TARGETS_GAP);
        }
        if targets.is_empty() && !beside.is_empty() {
            y += TARGETS_GAP + BOX_HEIGHT;
        }
        let above_targets = if self.frame.is_wide { TARGETS_GAP } else { TARGETS_GAP + 10 };
        for (places, above) in [(targets, above_targets), (below, 48), (machines, 52)] {
            for row in places.chunks(columns) {
                y += above;
                for (at, place) in (0..).zip(row) {
                    self.corners[*place] = (left + at * column, y);
                }
                y += BOX_HEIGHT;
            }
        }
        y + 20
    }

    /// Draws the lines to the configuration server: from Azure into its side, from the master
    /// targets into its bottom.
    fn connect_server(&mut self) {
        let Some(server) = self.places(Tier::ConfigurationServer).next() else { return };
        let corner = self.corners[server];
        let entry = corner.1 + 28;
        let sources: Vec<usize> =
            self.places(Tier::AzureMachines).chain(self.places(Tier::ProcessServers)).collect();
        let mut classes = Vec::new();
        let mut ends = Vec::new();
        for place in sources {
            let Some(arrow) = &self.picture.boxes[place].1.to_server else { continue };
            let (x, y) = self.corners[place];
            classes.push(arrow.css_class());
            if self.frame.is_wide {
                let y = y + 28;
                ends.push(y);
                let from = x + self.frame.box_width;
                self.wire(arrow.css_class(), format!("M{from} {y}H{OUT_X}"), None);
                self.label(arrow, (from + 5, y - 5), Some(17));
            } else {
                let (x, bus) = (x + 20, y + BOX_HEIGHT + 44);
                ends.push(bus);
                let lane = self.frame.server_lane;
                self.wire(arrow.css_class(), format!("M{x} {}V{bus}H{lane}", y + BOX_HEIGHT), None);
                self.label(arrow, (x + 6, y + BOX_HEIGHT + 14), Some(12));
            }
        }
        let lane = if self.frame.is_wide { OUT_X } else { self.frame.server_lane };
        if let (Some(first), Some(last)) = (ends.iter().min(), ends.iter().max()) {
            let (top, bottom) = (entry.min(*first), entry.max(*last));
            let turn = if self.frame.is_wide {
                format!("M{lane} {bottom}V{top}M{lane} {entry}H{}", corner.0 - 7)
            } else {
                format!("M{lane} {top}V{entry}H{}", corner.0 - 7)
            };
            let head = head_right(corner.0, entry);
            self.wire(common(&classes), turn, Some(head));
        }
        self.connect_master_targets_to(server);
    }

    fn connect_master_targets_to(&mut self, server: usize) {
        let (x, y) = self.corners[server];
        let (center, bottom) = (x + self.frame.box_width / 2, y + BOX_HEIGHT);
        let rows = self.rows(|arrows| arrows.to_server.as_ref(), 20, 46);
        let Some(first_bus) = rows.first().map(|row| row.bus) else { return };
        let lane = self.home.0 + self.frame.server_lane;
        let class = common(rows.iter().flat_map(|row| &row.classes));
        let mut path = format!("M{center} {first_bus}V{}", bottom + 7);
        for (index, row) in rows.iter().enumerate() {
            let from = if index == 0 { row.left.min(center) } else { lane };
            let to = if index == 0 { row.right.max(center) } else { row.right };
            path += &format!("M{from} {}H{to}", row.bus);
        }
        if let [_, .., last] = rows.as_slice() {
            path += &format!("M{center} {first_bus}H{lane}V{}", last.bus);
        }
        self.wire(class, path, Some(head_up(center, bottom)));
    }

    /// Draws the lines to the process servers: from the machines in Azure and from the master
    /// targets.
    fn connect_process_servers(&mut self) {
        let servers: Vec<usize> = self.places(Tier::ProcessServers).collect();
        let Some(first) = servers.first().map(|place| self.corners[*place]) else { return };
        if let Some(machines) = self.places(Tier::AzureMachines).next() {
            let arrow = self.picture.boxes[machines].1.to_process_servers.as_ref();
            let (x, y) = self.corners[machines];
            let x = x + if self.frame.is_wide { 40 } else { 104 };
            if let Some(arrow) = arrow {
                let path = format!("M{x} {}V{}", y + BOX_HEIGHT, first.1 - 7);
                self.wire(arrow.css_class(), path, Some(head_down(x, first.1)));
                let middle = if self.frame.is_wide { 26 } else { 14 };
                let below = (!self.frame.is_wide).then_some(12);
                self.label(arrow, (x + 6, y + BOX_HEIGHT + middle), below);
            }
        }
        let rows = self.rows(|arrows| arrows.to_process_servers.as_ref(), 92, 36);
        let (Some(top), Some(last)) = (rows.first(), rows.last()) else { return };
        let lane = self.home.0 + self.frame.process_lane;
        let class = common(rows.iter().flat_map(|row| &row.classes));
        let mut path = String::new();
        for row in &rows {
            path += &format!(
                "M{} {}H{lane}",
                if lane < row.left { row.right } else { row.left },
                row.bus
            );
        }
        let mut heads = String::new();
        if self.frame.is_wide {
            path += &format!("M{lane} {}V{}H{IN_X}", last.bus, top.bus);
            let entries: Vec<i32> =
                servers.iter().map(|place| self.corners[*place].1 + 58).collect();
            let upper = entries.iter().copied().min().unwrap_or(top.bus).min(top.bus);
            let lower = entries.iter().copied().max().unwrap_or(top.bus).max(top.bus);
            path += &format!("M{IN_X} {upper}V{lower}");
            for (place, entry) in servers.iter().zip(entries) {
                let edge = self.corners[*place].0 + self.frame.box_width;
                path += &format!("M{IN_X} {entry}H{}", edge + 7);
                heads += &head_left(edge, entry);
            }
            self.way = (281, HEAD + 6, 106, (top.bus + 18 - HEAD - 6).max(108));
        } else {
            let mut highest = top.bus;
            for place in &servers {
                let (x, y) = self.corners[*place];
                let (x, bottom, bus) = (x + 112, y + BOX_HEIGHT, y + BOX_HEIGHT + 34);
                highest = highest.min(bus);
                path += &format!("M{lane} {bus}H{x}V{}", bottom + 7);
                heads += &head_up(x, bottom);
            }
            path += &format!("M{lane} {}V{highest}", last.bus);
        }
        self.wire(class, path, Some(heads));
    }

    fn connect_vcenter(&mut self) {
        let server = self.places(Tier::ConfigurationServer).next();
        let vcenter = self.places(Tier::Vcenter).next();
        let (Some(server), Some(vcenter)) = (server, vcenter) else { return };
        let Some(arrow) = &self.picture.boxes[server].1.to_vcenter else { return };
        let (from, to) = (self.corners[server].0 + self.frame.box_width, self.corners[vcenter].0);
        let y = self.corners[server].1 + 44;
        self.wire(arrow.css_class(), format!("M{from} {y}H{}", to - 7), Some(head_right(to, y)));
        let at = if self.frame.is_wide {
            (from + 44, y - 8)
        } else {
            (to, self.corners[vcenter].1 + BOX_HEIGHT + 15)
        };
        self.label(arrow, at, None);
    }

    fn connect_hosts(&mut self) {
        let Some(vcenter) = self.places(Tier::Vcenter).next() else { return };
        let (x, y) = self.corners[vcenter];
        let (edge, exit) = (x + self.frame.box_width, y + 44);
        let lane = self.home.0 + self.frame.host_lane;
        let mut classes = Vec::new();
        let mut path = String::new();
        let mut lowest = None;
        for place in self.places(Tier::Hosts) {
            let Some(arrow) = &self.picture.boxes[place].1.from_vcenter else { continue };
            let (x, y) = self.corners[place];
            let (x, bus) = (x + 24, y - 34);
            classes.push(arrow.css_class());
            self.wire(arrow.css_class(), format!("M{x} {bus}V{}", y - 7), Some(head_down(x, y)));
            self.label(arrow, (x + 8, y - 13), None);
            path += &format!("M{x} {bus}H{lane}");
            lowest = Some(bus);
        }
        if let Some(lowest) = lowest {
            self.wire(common(&classes), format!("M{edge} {exit}H{lane}V{lowest}{path}"), None);
        }
    }

    /// Draws the lines from machines to what they come back through: from their tops into the bottoms of the master targets,
    /// or of the host of a Hyper-V site.
    fn connect_machines(&mut self) {
        let tier = match self.picture.scenario {
            Scenario::VmwareClassic => Tier::MasterTargets,
            Scenario::Hyperv => Tier::Hosts,
        };
        let targets: Vec<(i32, i32)> = self.places(tier).map(|place| self.corners[place]).collect();
        let lane = self.home.0 + self.frame.machine_lane;
        let mut classes = Vec::new();
        let mut path = String::new();
        let mut lowest = None;
        for place in self.places(Tier::Machines) {
            let arrow = self.picture.boxes[place].1.to_target.as_ref();
            let Some(arrow) = arrow.filter(|_| !targets.is_empty()) else { continue };
            let (x, y) = self.corners[place];
            let (x, bus) = (x + 24, y - 34);
            classes.push(arrow.css_class());
            self.wire(arrow.css_class(), format!("M{x} {y}V{bus}"), None);
            self.label(arrow, (x + 8, y - 13), None);
            path += &format!("M{x} {bus}H{lane}");
            lowest = Some(bus);
        }
        let Some(lowest) = lowest else { return };
        let mut highest = lowest;
        let mut heads = String::new();
        for (x, y) in targets {
            let (x, bottom) = (x + self.frame.box_width - 24, y + BOX_HEIGHT);
            let bus = bottom + 13;
            path += &format!("M{lane} {bus}H{x}V{}", bottom + 7);
            heads += &head_up(x, bottom);
            highest = highest.min(bus);
        }
        self.wire(common(&classes), format!("M{lane} {lowest}V{highest}{path}"), Some(heads));
    }

    /// Draws the line from a Hyper-V host to the machines in Azure.
    fn connect_azure(&mut self) {
        let Some(machines) = self.places(Tier::AzureMachines).next() else { return };
        for place in self.places(Tier::Hosts) {
            let Some(arrow) = &self.picture.boxes[place].1.to_azure else { continue };
            let ((x, y), to) = (self.corners[place], self.corners[machines]);
            let edge = to.0 + self.frame.box_width;
            if self.frame.is_wide {
                let (from, entry) = (y + 28, to.1 + 58);
                let path = format!("M{x} {from}H{IN_X}V{entry}H{}", edge + 7);
                self.wire(arrow.css_class(), path, Some(head_left(edge, entry)));
                self.label(arrow, (self.home.0 + 60, from - 6), None);
            } else {
                let (lane, from, entry) = (self.frame.process_lane, y + 28, to.1 + 28);
                let path =
                    format!("M{} {from}H{lane}V{entry}H{}", x + self.frame.box_width, edge + 7);
                self.wire(arrow.css_class(), path, Some(head_left(edge, entry)));
                self.label(arrow, (edge + 14, entry - 6), None);
            }
        }
    }

    /// Draws the stubs above the master targets, and returns what joins those of each row.
    fn rows(
        &mut self,
        choose: impl Fn(&super::site_picture::Arrows) -> Option<&Arrow>,
        at: i32,
        above: i32,
    ) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for place in self.places(Tier::MasterTargets) {
            let Some(arrow) = choose(&self.picture.boxes[place].1) else { continue };
            let (x, y) = self.corners[place];
            let at = if self.frame.is_wide { at } else { at - at / 20 };
            let (x, bus) = (x + at, y - above);
            self.wire(arrow.css_class(), format!("M{x} {y}V{bus}"), None);
            self.label(arrow, (x + 6, y - 20), Some(12));
            match rows.last_mut().filter(|row| row.bus == bus) {
                Some(row) => {
                    row.right = x;
                    row.classes.push(arrow.css_class());
                }
                None => {
                    rows.push(Row { bus, left: x, right: x, classes: vec![arrow.css_class()] });
                }
            }
        }
        rows
    }

    fn wire(&mut self, class: &'static str, path: String, head: Option<String>) {
        self.wires.push(json!({ "class": class, "path": path, "head": head }));
    }

    /// Writes the words at an arrow, from `(x, y)` on: in one line, or the state so far below the
    /// port.
    fn label(&mut self, arrow: &Arrow, (x, y): (i32, i32), below: Option<i32>) {
        let word = |text: &str, y: i32| json!({ "x": x, "y": y, "text": text });
        let words = match (below, arrow.port.as_str()) {
            (_, "") => vec![word(&arrow.label, y)],
            (Some(below), port) => vec![word(port, y), word(&arrow.label, y + below)],
            (None, port) => vec![word(&format!("{port} {}", arrow.label), y)],
        };
        let Arrow { href, title, .. } = arrow;
        let class = arrow.css_class();
        self.labels.push(json!({ "class": class, "href": href, "title": title, "words": words }));
    }

    fn drawn_box(&self, place: usize) -> DrawnBox {
        let site_box = self.site_box(place);
        let (x, y) = self.corners[place];
        let line = |class: &str, y: i32, text: &str| json!({ "class": class, "x": 14, "y": y, "text": text });
        let (corner, size, lines) = if site_box.tier == Tier::Way {
            let (x, y, width, height) = self.way;
            let (first, second) = match self.picture.scenario {
                Scenario::VmwareClassic => ("VPN or", "ExpressRoute"),
                Scenario::Hyperv => ("HTTPS", ""),
            };
            let lines = if self.frame.is_wide {
                let middle = height / 2;
                vec![
                    line("kind", middle - 22, "way between:"),
                    line("way", middle - 5, first),
                    line("way", middle + 10, second),
                    line("verdict-line", middle + 30, &site_box.verdict),
                ]
            } else {
                let name = format!("{}: {}", site_box.kind, site_box.name);
                vec![line("kind", 20, &name), line("verdict-line", 38, &site_box.verdict)]
            };
            ((x, y), (width, height), lines)
        } else {
            let lines = vec![
                line("kind", 18, &shorten(&site_box.kind, self.frame.name_chars + 5)),
                line("name", 36, &shorten(&site_box.name, self.frame.name_chars)),
                line("verdict-line", 55, &site_box.verdict),
                line("counts", 71, &site_box.counts),
            ];
            ((x, y), (self.frame.box_width, BOX_HEIGHT), lines)
        };
        DrawnBox {
            class: site_box.css_class(),
            x: corner.0,
            y: corner.1,
            width: size.0,
            height: size.1,
            href: site_box.href.clone(),
            title: site_box.title.clone(),
            lines,
        }
    }
}

/// The stubs of one row of master targets, and the line that joins them.
struct Row {
    bus: i32,
    left: i32,
    right: i32,
    classes: Vec<&'static str>,
}

/// Returns the class that all lines have that run in one.
fn common<'c>(classes: impl IntoIterator<Item = &'c &'static str>) -> &'static str {
    let mut classes = classes.into_iter();
    let Some(first) = classes.next() else { return "mixed" };
    if classes.all(|other| other == first) { first } else { "mixed" }
}

/// Returns a name as it is shown, at most so long.
fn shorten(name: &str, chars: usize) -> String {
    let name = make_visible(name);
    if name.chars().count() <= chars {
        return name;
    }
    let kept: String = name.chars().take(chars - 1).collect();
    format!("{kept}\u{2026}")
}

#[cfg(test)]
mod tests;
