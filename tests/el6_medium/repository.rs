//! The vendor's repository on the made medium: packages that are filler, their metadata, and the
//! checksums of `.treeinfo`.
//!
//! Nothing of it installs, which is enough for whoever reads the file.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use preflight::digest::Sha256;

/// What the recipes ask for, and what the group `core` has.
const PACKAGES: &[&str] = &[
    "bash",
    "glibc",
    "xfsprogs",
    "perl",
    "lsscsi",
    "rsync",
    "wget",
    "kexec-tools",
    "device-mapper-multipath",
    "kmod-reiserfs",
    "reiserfs-utils",
    "open-vm-tools",
];

/// Packages, a repository, checksums.
pub fn fill(tree: &Path) {
    fs::remove_file(tree.join("Packages/filler-1.0-1.el6.noarch.rpm")).unwrap();
    let put = |path: &str, bytes: &[u8]| {
        fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
        fs::write(tree.join(path), bytes).unwrap();
    };
    let mut packages = String::new();
    for (number, name) in PACKAGES.iter().enumerate() {
        let bytes = vec![u8::try_from(number).unwrap() + 7; 2000 + number];
        let location = format!("Packages/{name}-1.0-1.el6.x86_64.rpm");
        let (digest, len) = (Sha256::hash(&bytes), bytes.len());
        writeln!(
            packages,
            "<package type=\"rpm\"><name>{name}</name><arch>x86_64</arch>\
             <version epoch=\"0\" ver=\"1.0\" rel=\"1.el6\"/>\
             <checksum type=\"sha256\" pkgid=\"YES\">{digest}</checksum><summary>x</summary>\
             <description>x</description><packager/><url/><time file=\"1\" build=\"1\"/>\
             <size package=\"{len}\" installed=\"1\" archive=\"1\"/><location href=\"{location}\"/>\
             <format><rpm:license>x</rpm:license><rpm:vendor/><rpm:group>x</rpm:group>\
             <rpm:buildhost/><rpm:sourcerpm/><rpm:header-range start=\"0\" end=\"1\"/>\
             <rpm:provides><rpm:entry name=\"{name}\" flags=\"EQ\" epoch=\"0\" ver=\"1.0\" \
             rel=\"1.el6\"/></rpm:provides></format></package>"
        )
        .unwrap();
        put(&location, &bytes);
    }
    let count = PACKAGES.len();
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let site = "http://linux.duke.edu/metadata";
    let primary = format!(
        "{head}<metadata xmlns=\"{site}/common\" xmlns:rpm=\"{site}/rpm\" packages=\"{count}\">\n\
         {packages}</metadata>\n"
    );
    let comps = format!(
        "{head}<comps><group><id>core</id><name>Core</name><description/>\
         <default>true</default><uservisible>false</uservisible><packagelist>\
         <packagereq type=\"mandatory\">bash</packagereq>\
         <packagereq type=\"mandatory\">glibc</packagereq></packagelist></group></comps>\n"
    );
    let filelists =
        format!("{head}<filelists xmlns=\"{site}/filelists\" packages=\"0\">\n</filelists>\n");
    let mut data = String::new();
    for (kind, xml) in [("primary", &primary), ("group", &comps), ("filelists", &filelists)] {
        put(&format!("repodata/{kind}.xml"), xml.as_bytes());
        writeln!(
            data,
            "<data type=\"{kind}\"><checksum type=\"sha256\">{}</checksum>\
             <location href=\"repodata/{kind}.xml\"/><timestamp>1</timestamp></data>",
            Sha256::hash(xml)
        )
        .unwrap();
    }
    let repomd = format!(
        "{head}<repomd xmlns=\"{site}/repo\" xmlns:rpm=\"{site}/rpm\">\n\
         <revision>1</revision>\n{data}</repomd>\n"
    );
    put("repodata/repomd.xml", repomd.as_bytes());
    put("isolinux/vesamenu.c32", &[9; 3000]);
    let mut info = fs::read_to_string(tree.join(".treeinfo")).unwrap();
    info += "\n[images-x86_64]\nkernel = images/pxeboot/vmlinuz\ninitrd = images/pxeboot/initrd.img\n\
             \n[stage2]\nmainimage = images/install.img\n\n[checksums]\n";
    for path in [
        "images/pxeboot/vmlinuz",
        "images/pxeboot/initrd.img",
        "images/install.img",
        "repodata/repomd.xml",
    ] {
        let digest = Sha256::hash(fs::read(tree.join(path)).unwrap());
        writeln!(info, "{path} = sha256:{digest}").unwrap();
    }
    put(".treeinfo", info.as_bytes());
}
