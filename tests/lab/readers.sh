#!/bin/bash
# readers.sh OUT RESULT BASE - what readers that preflight had no part in say of a customised medium. Exit 1 when one objects.
# Partition tables: isohybrid media have faults of their own, so RESULT may have no complaint that BASE has not.
. "$(dirname "$0")/lab.sh"
outdir "${1:-}"; result=$2 base=$3
need xorriso isoinfo checkisomd5 fsck.vfat sgdisk mdir mcopy python3
bad=0
objection() { echo "$*"; bad=$((bad+1)); }
work=$OUT/readers; rm -rf "$work"; mkdir -p "$work"; trap 'rm -rf "$work"' EXIT

python3 "$LAB/disc-facts.py" "$result" --against "$base" > /dev/null 2> "$work/facts" || objection "disc-facts: $(cat "$work/facts")"
checkisomd5 "$result" < /dev/null > "$work/md5" 2>&1 || objection "checkisomd5: $(tr '\r' '\n' < "$work/md5" | grep -a result | tail -1)"
grep -aq PASS "$work/md5" || objection "checkisomd5: no media md5"

xorriso -abort_on FATAL -return_with SORRY 0 -indev "$result" -osirrox on -extract / "$work/result" > "$work/log" 2>&1 \
  || objection "xorriso: $(grep -E 'FAILURE|SORRY|WARNING' "$work/log" | head -3)"
xorriso -indev "$base" -osirrox on -extract / "$work/base" > "$work/log" 2>&1
xorriso -indev "$result" -report_el_torito plain -report_system_area plain > "$work/boot" 2> "$work/log"
# xorriso checks MBR, GPT (both copies) and El Torito images as it loads them and says what it does not believe.
xorriso -indev "$base" -report_el_torito plain -report_system_area plain > /dev/null 2> "$work/log-base"
complaints() { grep -E 'WARNING|SORRY|FAILURE' "$1" | sed 's/[0-9][0-9]*/N/g' | sort -u; }
new=$(comm -13 <(complaints "$work/log-base") <(complaints "$work/log")); [ -z "$new" ] || objection "xorriso: $new"

# The Joliet and the Rock Ridge names, as a second program lists them.
for view in R J; do
  isoinfo -$view -f -i "$result" > "$work/names" 2> "$work/log" || objection "isoinfo -$view: $(head -1 "$work/log")"
  [ -s "$work/log" ] && objection "isoinfo -$view: $(head -1 "$work/log")"
  isoinfo -$view -f -i "$base" 2>/dev/null | sort > "$work/names-base"
  lost=$(comm -23 "$work/names-base" <(sort "$work/names")); [ -z "$lost" ] || objection "isoinfo -$view: lost $lost"
  for added in /ks.cfg /preflight; do grep -qx "$added" "$work/names" || objection "isoinfo -$view: no $added"; done
done
# ... and its copy of every file.
(cd "$work/result" && find . -type f -printf '/%P\n' | grep -E '^/(ks.cfg|isolinux/isolinux.cfg|EFI/BOOT/.*|preflight/manifest.*|preflight/repo/.*xml)$') > "$work/some"
while read -r path; do
  isoinfo -R -x "$path" -i "$result" 2>/dev/null | cmp -s - "$work/result$path" || objection "isoinfo and xorriso read $path differently"
done < "$work/some"

# The FAT file system inside: clean, and only the menu differs.
fsck.vfat -n "$work/result/images/efiboot.img" > "$work/log" 2>&1 || objection "fsck.vfat: $(tail -2 "$work/log" | head -1)"
for side in base result; do mkdir "$work/efi-$side"; mcopy -s -n -i "$work/$side/images/efiboot.img" ::/EFI "$work/efi-$side/"; done
menu=$(cd "$work/result/EFI/BOOT" && find . \( -iname 'BOOT*.conf' -o -iname grub.cfg \) -printf '/EFI/BOOT/%P\n' | sort)
# shellcheck disable=SC2086 # a list of paths without blanks
python3 "$LAB/same-files.py" "$work/efi-base" "$work/efi-result" --changed $menu > "$work/log" || objection "efiboot.img: $(cat "$work/log")"
for m in $menu; do cmp -s "$work/result$m" "$work/efi-result$m" || objection "$m differs between the tree and efiboot.img"; done

# Everything else is the vendor's, byte for byte; TRANS.TBL may follow the new names.
trans=$(cd "$work/result" && for t in $(find . -name TRANS.TBL -printf '/%P\n'); do cmp -s ".$t" "$work/base$t" || echo "$t"; done)
# shellcheck disable=SC2086 # lists of paths without blanks
python3 "$LAB/same-files.py" "$work/base" "$work/result" --changed /isolinux/isolinux.cfg /images/efiboot.img $menu $trans \
  --added /ks.cfg /preflight > "$work/same" || objection "files: $(cat "$work/same")"
# No other menu entry was lost.
for m in /isolinux/isolinux.cfg $menu; do
  lost=$(grep -E '^[[:space:]]*(label|title|menuentry) ' "$work/base$m" | while read -r line; do grep -qF "$line" "$work/result$m" || echo "$line"; done)
  [ -z "$lost" ] || objection "$m lost: $lost"
done
# A blank of the label is written \x20, and every label a boot entry names is the medium's.
volid=$(isoinfo -d -i "$result" | sed -n 's/^Volume id: //p'); wanted="LABEL=${volid// /\\x20}"
for m in /isolinux/isolinux.cfg $menu; do
  other=$(grep -oE 'LABEL=[^: ]*' "$work/result$m" | grep -vxF "$wanted" | head -1 || true)
  [ -z "$other" ] || objection "$m names $other, the medium is $wanted"
done

# Partition tables; where a partition ends to the sector is a matter of taste.
verdict() { sgdisk -v "$1" 2>&1 | grep -iE 'problem|warning|caution|overlap|mismatch|corrupt|invalid|crc' | grep -viE '^(identified|no problems)|sector boundary|disk encryption' | sed 's/[0-9][0-9]*/N/g' | sort -u || true; }
verdict "$base" > "$work/gpt-base"; verdict "$result" > "$work/gpt"
new=$(comm -13 "$work/gpt-base" "$work/gpt"); [ -z "$new" ] || objection "sgdisk -v: $new"

[ $bad = 0 ] || { echo "READERS $bad objections"; exit 1; }
echo "READERS agree: $(tail -1 "$work/same")"
