//! The table: examples, exit statuses, environment and files of every command.

use super::rows::{
    ANSWERS, AZURE, AZURE_CLI, BUILD, COLLECT, EPOCH, GUIDE, IMAGE_FILES, KNOWN_HOSTS, OVERLAY,
    PLAIN, REPORT, Rows, SSH, SSH_CONFIG, TERMINAL, THUMBPRINTS, TOKEN, TROUBLESHOOT, VM_FILES,
    VSPHERE,
};

/// What is said of one command.
pub struct Entry {
    /// Its words, such as `check host`; empty for the program itself.
    pub command: &'static str,
    /// What the options do not say; lines of at most 80 columns.
    pub notes: &'static str,
    /// Command lines that work, and what each is for.
    pub examples: Rows,
    /// Exit statuses and what each means.
    pub exit: Rows,
    /// Groups of environment variables beside those that every command reads.
    environment: &'static [Rows],
    /// Files that are read or written without being named, beside those of every command.
    files: Rows,
}

impl Entry {
    /// Returns the words of the command.
    pub fn words(&self) -> Vec<&'static str> {
        self.command.split_whitespace().collect()
    }

    /// Returns every environment variable that the command reads, and what for.
    pub fn variables(&self) -> Vec<(&'static str, &'static str)> {
        let own = self.environment.iter().flat_map(|group| group.iter());
        own.chain(TERMINAL).copied().collect()
    }

    /// Returns every file that the command reads or writes without being given its name.
    pub fn all_files(&self) -> Vec<(&'static str, &'static str)> {
        self.files.iter().chain(OVERLAY).copied().collect()
    }
}

/// What an entry is that says nothing of its own.
const NONE: Entry =
    Entry { command: "", notes: "", examples: &[], exit: PLAIN, environment: &[], files: &[] };

/// One entry for the program and one for every command that does something.
pub const ENTRIES: &[Entry] = &[
    Entry {
        command: "",
        examples: &[
            ("preflight build image demo", "an image to look at, from nothing"),
            ("preflight check host ssh://root@mt1", "will this master target do?"),
            ("preflight guide site.yaml", "where every machine is, and what to do now"),
        ],
        exit: &[
            ("0", "done, and nothing blocks"),
            ("1", "done, and a check failed that blocks"),
            ("2", "could not run, for example because of bad input"),
            ("3", "done, and something could not be decided"),
            ("130", "interrupted"),
        ],
        environment: &[SSH, EPOCH],
        files: &[KNOWN_HOSTS, SSH_CONFIG, THUMBPRINTS],
        ..NONE
    },
    Entry {
        command: "build image",
        examples: &[
            ("preflight build image demo", "a kickstart disc to look at, from nothing"),
            (
                "preflight build image mt.yaml --base VENDOR.iso --rpms rpms/",
                "the vendor's medium with your recipe",
            ),
            ("preflight build image mt.yaml --dry-run", "what would be built"),
            (
                "preflight build image --base VENDOR.iso --kickstart my.ks -o out.iso",
                "your own kickstart on any medium of el6 to el10 or Fedora",
            ),
            (
                "preflight build image mt.yaml -o - | ssh esx1 'cat > mt.iso'",
                "straight to another machine",
            ),
        ],
        exit: BUILD,
        environment: &[EPOCH],
        files: IMAGE_FILES,
        ..NONE
    },
    Entry {
        command: "build delta",
        examples: &[(
            "preflight build delta mt.iso --base VENDOR.iso",
            "a few MB, for whoever has the medium",
        )],
        ..NONE
    },
    Entry {
        command: "build vm",
        examples: &[(
            "preflight build vm centos-6.6 --image /vmfs/volumes/ds1/mt.iso",
            "a machine with disk.EnableUUID set from the start",
        )],
        files: VM_FILES,
        ..NONE
    },
    Entry {
        command: "check image",
        examples: &[
            ("preflight check image mt.iso", "a finished image, from the file alone"),
            ("preflight check image mt.iso --output json=mt.json", "for a program, too"),
        ],
        exit: REPORT,
        ..NONE
    },
    Entry {
        command: "check packages",
        examples: &[(
            "preflight check packages --base VENDOR.iso --rpms rpms/",
            "will the installation resolve?",
        )],
        exit: REPORT,
        ..NONE
    },
    Entry {
        command: "check host",
        examples: &[
            ("preflight check host ssh://root@mt1 --accept-new", "will this master target do?"),
            (
                "preflight check host ssh://root@mt1 --legacy-ssh --cs cs01.example.test",
                "CentOS 6, and the ports of its configuration server",
            ),
            ("preflight check host capture:mt1.json", "what collect host saved"),
            (
                "preflight check host sos:sosreport-mt1.tar.xz",
                "a sosreport: what it tells, and what not",
            ),
            ("preflight check host --site site.yaml --brief", "every master target of a site"),
            ("preflight check host local: --output html=mt1.html", "this machine, as a page"),
        ],
        exit: REPORT,
        environment: &[SSH],
        files: &[KNOWN_HOSTS, SSH_CONFIG, THUMBPRINTS],
        ..NONE
    },
    Entry {
        command: "check vcenter",
        examples: &[
            (
                "preflight check vcenter vsphere://USER@vc1 --vm mt1 --protected-vm app-01",
                "a master target and a machine that is to come home",
            ),
            (
                "preflight check vcenter vsphere://USER@vc1 --via ssh://root@mt1",
                "where only mt1 reaches the server",
            ),
            (
                "preflight check vcenter vsphere://USER@vc1 --vm mt1 --fix",
                "set disk.EnableUUID, once you agree",
            ),
        ],
        exit: REPORT,
        environment: &[VSPHERE],
        files: &[THUMBPRINTS, KNOWN_HOSTS, SSH_CONFIG],
        ..NONE
    },
    Entry {
        command: "check esxi",
        examples: &[
            ("preflight check esxi ssh://root@esx1 --vm mt1", "by the host's own shell"),
            ("preflight check esxi vsphere://root@esx1", "by its API: licence and datastores"),
        ],
        exit: REPORT,
        environment: &[SSH, VSPHERE],
        files: &[THUMBPRINTS, KNOWN_HOSTS, SSH_CONFIG],
        ..NONE
    },
    Entry {
        command: "check azure",
        notes: TOKEN,
        examples: &[
            ("preflight check azure azure://SUBSCRIPTION/GROUP/VAULT", "what the vault knows"),
            ("preflight check azure azure.json", "what collect azure saved"),
        ],
        exit: REPORT,
        environment: &[AZURE],
        files: &[AZURE_CLI],
    },
    Entry {
        command: "check site",
        examples: &[
            ("preflight check site site.yaml", "everything, one session for each system"),
            ("preflight check site site.yaml --brief --limit app-01", "of one machine"),
            ("preflight check site site.yaml --output html=report.html", "also as a page"),
            ("preflight check site site.yaml --captures answers/", "what collect site saved"),
        ],
        exit: REPORT,
        environment: &[SSH, VSPHERE, AZURE],
        files: &[ANSWERS, KNOWN_HOSTS, SSH_CONFIG, THUMBPRINTS],
        ..NONE
    },
    Entry {
        command: "collect host",
        examples: &[("preflight collect host ssh://root@mt1 -o mt1.json", "to check it elsewhere")],
        exit: COLLECT,
        environment: &[SSH],
        files: &[KNOWN_HOSTS, SSH_CONFIG],
        ..NONE
    },
    Entry {
        command: "collect esxi",
        examples: &[(
            "preflight collect esxi ssh://root@esx1 -o esx1.json",
            "to check it elsewhere",
        )],
        exit: COLLECT,
        environment: &[SSH],
        files: &[KNOWN_HOSTS, SSH_CONFIG],
        ..NONE
    },
    Entry {
        command: "collect vcenter",
        examples: &[(
            "preflight collect vcenter vsphere://USER@vc1 -o vc1.json",
            "to check it elsewhere",
        )],
        exit: COLLECT,
        environment: &[VSPHERE],
        files: &[THUMBPRINTS, KNOWN_HOSTS, SSH_CONFIG],
        ..NONE
    },
    Entry {
        command: "collect azure",
        notes: TOKEN,
        examples: &[(
            "preflight collect azure azure://SUBSCRIPTION/GROUP/VAULT -o azure.json",
            "to check it elsewhere",
        )],
        exit: COLLECT,
        environment: &[AZURE],
        files: &[AZURE_CLI],
    },
    Entry {
        command: "collect site",
        examples: &[(
            "preflight collect site site.yaml -o answers/",
            "for check site site.yaml --captures answers/",
        )],
        exit: COLLECT,
        environment: &[SSH, VSPHERE, AZURE],
        files: &[KNOWN_HOSTS, SSH_CONFIG, THUMBPRINTS],
        ..NONE
    },
    Entry {
        command: "collect script",
        examples: &[
            ("preflight collect script | less", "what would be sent, for whoever has to allow it"),
            (
                "preflight collect script --windows > mt.ps1",
                "for a Windows master target: PowerShell, read-only",
            ),
        ],
        ..NONE
    },
    Entry {
        command: "inspect image",
        examples: &[("preflight inspect image mt.iso", "what is on it, and what starts by itself")],
        ..NONE
    },
    Entry {
        command: "inspect agent",
        examples: &[(
            "preflight inspect agent Microsoft-ASR_UA.tar.gz",
            "its version, its release",
        )],
        ..NONE
    },
    Entry {
        command: "render kickstart",
        examples: &[("preflight render kickstart mt.yaml", "what the installer would read")],
        ..NONE
    },
    Entry {
        command: "lint kickstart",
        examples: &[
            ("preflight lint kickstart ks.cfg", "as one of a master target"),
            ("preflight lint kickstart - --style syntax < ks.cfg", "any kickstart"),
        ],
        exit: &[
            ("0", "no mistake"),
            ("1", "a mistake, which is named with its line"),
            ("2", "bad input, or a file that cannot be read"),
        ],
        ..NONE
    },
    Entry {
        command: "troubleshoot",
        examples: &[
            ("preflight troubleshoot datastores are not listed", "words as they come"),
            ("preflight troubleshoot 95226", "an error code"),
            ("preflight troubleshoot - < ua_install.log", "a whole log"),
            (
                "preflight troubleshoot ts-mt-heartbeat --target ssh://root@mt1",
                "run the checks that confirm the causes, or rule them out",
            ),
        ],
        exit: TROUBLESHOOT,
        environment: &[SSH, AZURE],
        files: &[KNOWN_HOSTS, SSH_CONFIG, THUMBPRINTS],
        ..NONE
    },
    Entry {
        command: "guide",
        examples: &[
            ("preflight guide site.yaml", "where each machine is, and what to do now"),
            ("preflight guide site.yaml --follow", "stay, and go on when a step is done"),
            ("preflight guide --step verify", "all of one stage, without a site"),
        ],
        exit: GUIDE,
        environment: &[SSH, VSPHERE, AZURE],
        files: &[ANSWERS, KNOWN_HOSTS, SSH_CONFIG, THUMBPRINTS],
        ..NONE
    },
    Entry {
        command: "answer",
        notes: "\
Asks what is open at the stage of the site, one question at a time, in the order
in which work is done. Every answer is saved at once.

Keys: y yes, n no, - not applicable, s or Enter skip, q stop. With an a behind
it, as ya, an answer is for every target of the question.

Answers are kept in answers.yaml beside the site file, which names it, or in the
site file's own list where it has one. Comments stay.",
        examples: &[
            ("preflight answer site.yaml", "what is open, one question at a time"),
            ("preflight answer site.yaml 'cs.*' --offline", "of the configuration server alone"),
            ("preflight answer site.yaml --set cs.backup=yes --by ann --offline", "from a script"),
        ],
        exit: &[
            ("0", "nothing is open"),
            ("2", "bad input; nothing was contacted or written"),
            ("3", "something is open"),
            ("130", "interrupted; what was answered by then is saved"),
        ],
        environment: &[SSH, VSPHERE, AZURE],
        files: &[ANSWERS, KNOWN_HOSTS, SSH_CONFIG, THUMBPRINTS],
    },
    Entry {
        command: "diff",
        examples: &[
            ("preflight diff monday.json tuesday.json", "two reports: new, gone, still failing"),
            ("preflight diff before.json after.json --format json", "two captures, for a program"),
        ],
        exit: &[
            ("0", "no blocker is new"),
            ("1", "a blocker is new"),
            ("2", "bad input"),
            ("3", "what may block could not be decided any more"),
        ],
        ..NONE
    },
    Entry {
        command: "mask",
        notes: "\
A word stays when preflight itself knows it; every other is replaced, and so is
what has the form of an address, an id or a key. The same text is replaced by
the same wherever it stands, letter for letter and digit for digit: networks,
domains and paths keep their relations, and a masked capture is evaluated as the
capture is; machines of a vault come in another order, for reports sort by name.
Numbers stay but in ids and names, for sizes and times count.

A name that is a word of preflight's own, such as backup, stays where nothing
says that it is a name. Look at the file before you hand it over.",
        examples: &[
            ("preflight mask mt1.json -o masked.json", "a capture, to hand to others"),
            (
                "preflight mask theirs.txt --undo --map masked.json.map.json -o report.txt",
                "what they say of it, with your own names",
            ),
        ],
        files: &[("OUT.map.json", "what was replaced by what; nobody else can read it")],
        ..NONE
    },
    Entry {
        command: "schema",
        notes: "A file that begins with the line\n  \
                # yaml-language-server: $schema=site.schema.json\n\
                is then completed and checked while it is written.",
        examples: &[("preflight schema site", "for site.schema.json, beside site.yaml")],
        ..NONE
    },
    Entry {
        command: "search",
        examples: &[
            ("preflight search snapshot", "every check, symptom and step that speaks of it"),
            ("preflight search tls handshake --format json", "for a program"),
        ],
        exit: &[("0", "something was found"), ("2", "bad input"), ("3", "nothing was found")],
        ..NONE
    },
    Entry {
        command: "explain",
        examples: &[
            ("preflight explain image.zerombr", "a check: what it is about, how to fix it"),
            ("preflight explain ts-mt-heartbeat", "a symptom and its causes"),
            ("preflight explain 95226", "an error code"),
            ("preflight explain consolidation needed", "words"),
        ],
        ..NONE
    },
    Entry {
        command: "trust",
        examples: &[("preflight trust vsphere://vc1", "compare its thumbprint once; it is kept")],
        exit: &[
            ("0", "the thumbprint is kept"),
            ("1", "it was shown, and is not kept"),
            ("2", "bad input, or the server cannot be reached"),
        ],
        environment: &[VSPHERE],
        files: &[THUMBPRINTS, KNOWN_HOSTS, SSH_CONFIG],
        ..NONE
    },
    Entry {
        command: "list",
        examples: &[
            ("preflight list checks", "every check, a line each"),
            ("preflight list questions --site site.yaml", "what is open, and what is answered"),
            ("preflight list packages --base VENDOR.iso", "RPMs to fetch for this medium"),
        ],
        ..NONE
    },
    Entry {
        command: "init recipe",
        examples: &[("preflight init recipe > mt.yaml", "then change what is marked CHANGE")],
        ..NONE
    },
    Entry {
        command: "init site",
        notes: TOKEN,
        examples: &[
            ("preflight init site > site.yaml", "servers, master targets, answers, waivers"),
            (
                "preflight init site --azure azure://SUBSCRIPTION/GROUP/VAULT -o site.yaml",
                "filled in with what Azure knows",
            ),
        ],
        exit: &[
            ("0", "written, or nothing differs"),
            ("1", "the file is there and differs; nothing was written"),
            ("2", "bad input; nothing was contacted"),
            ("3", "Azure did not tell everything"),
        ],
        environment: &[AZURE, VSPHERE],
        files: &[THUMBPRINTS, AZURE_CLI],
    },
    Entry {
        command: "test checks",
        examples: &[
            ("preflight test checks", "the examples of the embedded checks"),
            ("preflight test checks own/", "those of your own"),
        ],
        exit: &[
            ("0", "every example comes out as it says"),
            ("1", "one does not, and is named"),
            ("2", "a check cannot be read"),
        ],
        ..NONE
    },
    Entry {
        command: "completions",
        examples: &[(
            "preflight completions bash > /etc/bash_completion.d/preflight",
            "for all users of this machine",
        )],
        ..NONE
    },
    Entry {
        command: "man",
        examples: &[
            ("preflight man | man -l -", "the manual of the program"),
            ("preflight man check host | man -l -", "that of a command"),
            ("preflight man --all man1", "every page, into a directory"),
        ],
        ..NONE
    },
];
