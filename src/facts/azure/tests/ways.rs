//! The way home from a network.

use serde_json::{Value, json};

use super::{GROUP, GivenAnswers, network_id};

fn gateway_id() -> String {
    format!("{GROUP}/providers/Microsoft.Network/virtualNetworkGateways/gw")
}

/// A network, with a gateway subnet or without, and its peerings: the other network, whether it uses its gateway, whether it lends its own.
fn network(name: &str, has_gateway: bool, peerings: &[(&str, bool, bool)]) -> Value {
    let configuration = format!("{}/ipConfigurations/default", gateway_id());
    let subnet = json!({ "name": "GatewaySubnet", "properties": { "ipConfigurations": [{ "id": configuration }] } });
    let subnets = if has_gateway { vec![subnet] } else { Vec::new() };
    let peerings: Vec<Value> = peerings
        .iter()
        .map(|(other, uses, lends)| {
            json!({ "properties": { "peeringState": "Connected", "useRemoteGateways": uses,
                "allowGatewayTransit": lends, "remoteVirtualNetwork": { "id": network_id(other) } } })
        })
        .collect();
    json!({ "id": network_id(name), "properties": { "subnets": subnets, "virtualNetworkPeerings": peerings } })
}

fn gateway(kind: &str) -> Value {
    json!({ "id": gateway_id(), "properties": { "gatewayType": kind } })
}

fn connection(kind: &str, state: &str, circuit: Option<&str>) -> Value {
    json!({ "id": format!("{GROUP}/providers/Microsoft.Network/connections/home"), "properties": {
        "connectionType": kind, "connectionStatus": state, "virtualNetworkGateway1": { "id": gateway_id() },
        "peer": circuit.map(|id| json!({ "id": id })) } })
}

fn connections() -> String {
    format!("{}/connections", gateway_id())
}

fn way(answers: &GivenAnswers) -> String {
    match answers.vault().way_home(&network_id("net-run")) {
        Ok(shown) => format!("{:?}: {}", shown.state, shown.says).to_lowercase(),
        Err(why) => format!("unknown: {}", why.reason).to_lowercase(),
    }
}

#[test]
fn a_connection_that_is_up_is_a_way_home() {
    let own = || GivenAnswers::new().get(&network("net-run", true, &[])).get(&gateway("Vpn"));
    for (kind, state, says) in [
        ("IPsec", "Connected", "good: net-run: home (ipsec) is connected"),
        ("IPsec", "NotConnected", "bad: net-run: home (ipsec) is notconnected"),
        ("IPsec", "Connecting", "unknown: home (ipsec) is connecting"),
        ("ExpressRoute", "Connected", "good"),
        ("Vnet2Vnet", "Connected", "bad: no gateway of net-run has"),
    ] {
        let said = way(&own().list_at(&connections(), &[connection(kind, state, None)]));
        assert!(said.starts_with(says), "{said} / {says}");
    }
    assert!(way(&own().list_at(&connections(), &[])).starts_with("bad"));
    assert!(way(&own()).starts_with("unknown: nothing says which connections"));
    assert!(
        way(&GivenAnswers::new().get(&network("net-run", false, &[])))
            .starts_with("unknown: net-run has no gateway")
    );
    assert!(
        way(&GivenAnswers::new().get(&network("net-run", true, &[])))
            .starts_with("unknown: the gateway gw was not asked")
    );
    assert!(way(&GivenAnswers::new()).starts_with("unknown: the network net-run was not asked"));
    let refused = GivenAnswers::new().refused(
        &network_id("net-run"),
        403,
        Some("Microsoft.Network/virtualNetworks/read"),
    );
    assert!(way(&refused).contains("which the role reader has"));
}

#[test]
fn a_gateway_is_lent_by_a_network_beside_it() {
    let up = |spoke: &Value, hub: &Value| {
        let answers = GivenAnswers::new().get(spoke).get(hub).get(&gateway("ExpressRoute"));
        way(&answers.list_at(&connections(), &[connection("ExpressRoute", "Connected", None)]))
    };
    let spoke = network("net-run", false, &[("hub", true, false)]);
    assert!(
        up(&spoke, &network("hub", true, &[("net-run", false, true)]))
            .starts_with("good: net-run: through hub")
    );
    // The hub does not lend it, or the network does not ask for it.
    assert!(up(&spoke, &network("hub", true, &[("net-run", false, false)])).starts_with("bad"));
    let asks_not = network("net-run", false, &[("hub", false, false)]);
    assert!(up(&asks_not, &network("hub", true, &[("net-run", false, true)])).starts_with("bad"));
    let wan = GivenAnswers::new().get(&network("net-run", false, &[("HV_hub_1", true, false)]));
    assert!(way(&wan).contains("virtual wan"), "{}", way(&wan));
}

#[test]
fn a_circuit_needs_a_private_peering() {
    const CIRCUIT: &str =
        "/subscriptions/99/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/line";
    let circuit = |peerings: Value| {
        json!({ "id": CIRCUIT, "properties": { "circuitProvisioningState": "Enabled",
            "serviceProviderProvisioningState": "Provisioned", "peerings": peerings } })
    };
    let private = |state: &str| json!([{ "properties": { "peeringType": "AzurePrivatePeering", "state": state, "provisioningState": "Succeeded" } }]);
    let base = || {
        GivenAnswers::new()
            .get(&network("net-run", true, &[]))
            .get(&gateway("ExpressRoute"))
            .list_at(&connections(), &[connection("ExpressRoute", "Connected", Some(CIRCUIT))])
    };
    let peering =
        |answers: GivenAnswers| match answers.vault().express_route_peering(&network_id("net-run"))
        {
            Ok(Some(shown)) => format!("{:?}", shown.state),
            Ok(None) => "none".to_owned(),
            Err(why) => why.reason,
        };
    assert_eq!(peering(base().get(&circuit(private("Enabled")))), "Good");
    assert_eq!(peering(base().get(&circuit(private("Disabled")))), "Bad");
    assert_eq!(peering(base().get(&circuit(json!([])))), "Bad");
    assert_eq!(peering(base().refused(CIRCUIT, 404, None)), "the service answered 404");
    let vpn = GivenAnswers::new().get(&network("net-run", true, &[])).get(&gateway("Vpn"));
    assert_eq!(peering(vpn), "none");
}
