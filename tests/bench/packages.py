#!/usr/bin/env python3
"""packages.py [--packages N] [--rounds N] [--check] - how long `preflight check packages` takes, and its memory.

Makes a medium with the repodata of N packages (default 6,700, as many as CentOS 6.6's DVDs have; the packages
themselves are not read) in the proportions of the vendor's: provides, requires, files in primary and file lists.
PREFLIGHT names the binary (default target/release/preflight). With --check the limits of 1 s and 150 MiB decide the
exit status. Needs xorriso.
"""
import argparse, gzip, hashlib, os, pathlib, random, statistics, subprocess, sys, tempfile

parser = argparse.ArgumentParser()
parser.add_argument('--packages', type=int, default=6700)
parser.add_argument('--rounds', type=int, default=7)
parser.add_argument('--check', action='store_true')
options = parser.parse_args()
preflight = os.path.abspath(os.environ.get('PREFLIGHT', 'target/release/preflight'))
dice = random.Random(1)
named = ('xfsprogs perl lsscsi rsync wget kexec-tools device-mapper-multipath kmod-reiserfs reiserfs-utils bash '
         'kernel grub e2fsprogs').split()
names = named + [f'package-{n}' for n in range(options.packages - len(named))]

MEASURE = """
import os, resource, subprocess, sys, time
began = time.monotonic()
status = subprocess.call(sys.argv[1:])
print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def entry(name, flags=''):
    return f'<rpm:entry name="{name}"{flags}/>'


def package(n, name):
    own = ' flags="EQ" epoch="0" ver="1.0" rel="1.el6"'
    provides = entry(name, own) + ''.join(entry(f'lib{name}.so.{i}()(64bit)') for i in range(18))
    requires = ''.join(entry(f'lib{names[dice.randrange(max(1, n))]}.so.{i % 18}()(64bit)') for i in range(20))
    if n % 50 == 0:
        requires += entry(f'/usr/share/{names[n // 2]}/file-3')
    bins = ''.join(f'<file>/usr/bin/{name}-{i}</file>' for i in range(8))
    digest = hashlib.sha256(name.encode()).hexdigest()
    text = 'What a package is for, in some hundred words. ' * 12
    primary = (f'<package type="rpm"><name>{name}</name><arch>x86_64</arch><version epoch="0" ver="1.0" rel="1.el6"/>'
               f'<checksum type="sha256" pkgid="YES">{digest}</checksum><summary>s</summary><description>{text}'
               f'</description><packager/><url/><time file="1" build="1"/><size package="9" installed="1" archive="1"/>'
               f'<location href="Packages/{name}-1.0-1.el6.x86_64.rpm"/><format><rpm:license>GPL</rpm:license>'
               f'<rpm:provides>{provides}</rpm:provides><rpm:requires>{requires}</rpm:requires>{bins}</format></package>\n')
    files = ''.join(f'<file>/usr/share/{name}/file-{i}</file>' for i in range(160))
    lists = (f'<package pkgid="{digest}" name="{name}" arch="x86_64"><version epoch="0" ver="1.0" rel="1.el6"/>{bins}'
             f'{files}</package>\n')
    return primary, lists


with tempfile.TemporaryDirectory() as directory:
    root = pathlib.Path(directory)
    repodata = root / 'tree/repodata'
    repodata.mkdir(parents=True)
    (root / 'tree/Packages').mkdir()
    for name in names:
        (root / f'tree/Packages/{name}-1.0-1.el6.x86_64.rpm').write_bytes(b'123456789')
    (root / 'tree/.discinfo').write_text('1414159991.958686\n6.6\nx86_64\nALL\n')
    (root / 'tree/.treeinfo').write_text('[general]\nfamily = CentOS\nversion = 6.6\narch = x86_64\n')
    both = [package(n, name) for n, name in enumerate(names)]
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    duke = 'http://linux.duke.edu/metadata'
    comps = ''.join(f'<packagereq type="mandatory">{name}</packagereq>' for name in ['bash', *names[-400:]])
    texts = {
        'primary': f'{head}<metadata xmlns="{duke}/common" xmlns:rpm="{duke}/rpm" packages="{len(names)}">'
                   + ''.join(it[0] for it in both) + '</metadata>',
        'filelists': f'{head}<filelists xmlns="{duke}/filelists" packages="{len(names)}">'
                     + ''.join(it[1] for it in both) + '</filelists>',
        'group_gz': f'{head}<comps><group><id>core</id><name>Core</name><default>true</default><uservisible>false'
                    f'</uservisible><packagelist>{comps}</packagelist></group></comps>',
    }
    records = ''
    for kind, text in texts.items():
        stored = gzip.compress(text.encode(), 6, mtime=0)
        (repodata / f'{kind}.xml.gz').write_bytes(stored)
        records += (f'<data type="{kind}"><checksum type="sha256">{hashlib.sha256(stored).hexdigest()}</checksum>'
                    f'<location href="repodata/{kind}.xml.gz"/><timestamp>1</timestamp></data>')
    (repodata / 'repomd.xml').write_text(
        f'{head}<repomd xmlns="{duke}/repo" xmlns:rpm="{duke}/rpm"><revision>1</revision>{records}</repomd>')
    iso = root / 'base.iso'
    subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-V', 'CentOS_6.6_Final', '-R', '-J', '-o', iso, root / 'tree'],
                   check=True, stderr=subprocess.DEVNULL)
    print(f'{len(names)} packages, primary {len(texts["primary"]) / 1e6:.0f} MB, file lists {len(texts["filelists"]) / 1e6:.0f} MB')
    seconds, peaks = [], []
    for _ in range(options.rounds):
        # A process is charged with the memory of the one it was forked from, so it is started by a small one.
        done = subprocess.run([sys.executable, '-c', MEASURE, preflight, 'check', 'packages', 'demo', '--base', iso,
                               '--format', 'json'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        told = done.stdout
        if done.returncode != 0 or 'all requirements of' not in told:
            sys.exit(f'exit {done.returncode}: {told[:2000]}{done.stderr}')
        second, peak = done.stderr.split()[-2:]
        seconds.append(float(second))
        peaks.append(int(peak) / 1024)
    print(told[told.index('all requirements of'):].split('"')[0])
    print(f'{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), {max(peaks):.0f} MiB at most')
    sys.exit(options.check and (statistics.median(seconds) > 1 or max(peaks) > 150))
