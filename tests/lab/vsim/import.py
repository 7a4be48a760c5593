#!/usr/bin/env python3
"""import.py URL USER PASSWORD FILE.ovf: what a vSphere server makes of a descriptor (CreateImportSpec), as JSON."""
import json
import ssl
import sys

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

url, user, password, path = sys.argv[1:]
host, port = url.split("//")[1].split("/")[0].rsplit(":", 1)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
si = SmartConnect(host=host, port=int(port), user=user, pwd=password, sslContext=context)
try:
    content = si.RetrieveContent()
    view = content.viewManager.CreateContainerView
    pool = view(content.rootFolder, [vim.ResourcePool], True).view[0]
    datastore = view(content.rootFolder, [vim.Datastore], True).view[0]
    network = view(content.rootFolder, [vim.Network], True).view[0]
    text = open(path, encoding="utf-8").read()
    mapping = [vim.OvfManager.NetworkMapping(name=name, network=network) for name in sys.stdin.read().splitlines()]
    params = vim.OvfManager.CreateImportSpecParams(entityName="asr-mt-09", networkMapping=mapping)
    result = content.ovfManager.CreateImportSpec(text, pool, datastore, params)
    spec = result.importSpec.configSpec if result.importSpec else None
    disks = [d.device for d in spec.deviceChange if isinstance(d.device, vim.vm.device.VirtualDisk)] if spec else []
    print(json.dumps({
        "errors": [str(e.msg or e) for e in result.error or []],
        "warnings": [str(w.msg or w) for w in result.warning or []],
        "name": spec and spec.name,
        "guest_id": spec and spec.guestId,
        "version": spec and spec.version,
        "memory_mib": spec and spec.memoryMB,
        "cpus": spec and spec.numCPUs,
        "disks_gib": [d.capacityInKB >> 20 for d in disks],
        "devices": sorted(type(d.device).__name__.split(".")[-1] for d in spec.deviceChange) if spec else [],
        "extra": [[o.key, o.value] for o in spec.extraConfig or []] if spec else [],
    }, indent=1))
finally:
    Disconnect(si)
