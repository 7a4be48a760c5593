"""The objects of a vault as Microsoft's own Python libraries read them, as JSON by id.

usage: oracle.py ORIGIN CA SUBSCRIPTION GROUP VAULT; the login is a service principal of the environment.
"""
import json
import sys
from urllib.parse import urlsplit

from azure.identity import EnvironmentCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.recoveryservicessiterecovery import SiteRecoveryManagementClient

origin, ca, subscription, group, vault = sys.argv[1:6]
credential = EnvironmentCredential(
    authority=urlsplit(origin).netloc, disable_instance_discovery=True, connection_verify=ca)
shared = dict(base_url=origin, credential_scopes=[origin + '/.default'], connection_verify=ca)
objects = {}


def take(thing):
    value = thing if isinstance(thing, dict) else (thing.as_dict() if hasattr(thing, 'as_dict') else dict(thing))
    if hasattr(thing, 'serialize'):  # the older libraries keep the names of the service only here
        value = thing.serialize(keep_readonly=True)
    objects[value['id'].lower()] = value
    return value


client = SiteRecoveryManagementClient(credential, subscription, **shared)
at = (group, vault)
for fabric in client.replication_fabrics.list(*at):
    take(client.replication_fabrics.get(*at, fabric.name))
for item in client.replication_protected_items.list(*at):
    parts = item.id.split('/')
    names = (parts[10], parts[12], parts[14])
    take(client.replication_protected_items.get(*at, *names))
    for point in client.recovery_points.list_by_replication_protected_items(*at, *names):
        take(point)
for job in client.replication_jobs.list(*at):
    take(client.replication_jobs.get(*at, job.name))
for kind in (client.replication_policies, client.replication_recovery_plans, client.replicationv_centers,
             client.replication_protection_container_mappings):
    for thing in kind.list(*at):
        take(thing)
compute = ComputeManagementClient(credential, subscription, **shared)
network = NetworkManagementClient(credential, subscription, **shared)
for machine in compute.virtual_machines.list('rg-failed-over'):
    take(machine)
for card in network.network_interfaces.list('rg-failed-over'):
    take(card)
take(network.virtual_networks.get('rg-net', 'vnet-failed-over'))
take(network.virtual_network_gateways.get('rg-net', 'gw-falun'))
for connection in network.virtual_network_gateways.list_connections('rg-net', 'gw-falun'):
    take(connection)
json.dump(objects, sys.stdout, default=str)
