extension ProblemCode {
  /// One row each; docs/operations.md shows them.
  package var facts: ProblemFacts {
    switch self {
    case .configurationRefused, .configurationReverted, .restartNeeded: reloading
    case .configurationMissing, .configurationWrong, .stateMissing, .statePermissions, .keyExposed: filesAndSettings
    case .gatewayDown, .gatewaySilent, .portTaken, .clockImplausible: theGateway
    case .diskFull, .diskLow, .diskWorn, .storeUnavailable, .databaseDamaged, .databaseForeign, .databaseNewer: disk
    case .notEnrolled, .uplinkDown, .uplinkRefused, .identityInUse, .dnsFailed, .noRoute, .serverUnreachable, .serverNotCPNS, .outboxMessageRefused,
      .outboxFilling:
      uplink
    case .serverUntrusted, .serverNameWrong, .serverCertificateExpired, .serverCertificateEarly, .gatewayRefused: serverTrust
    case .certificateMissing, .certificateExpired, .certificateExpiring, .certificateEarly, .certificateNotRenewed, .certificateUnfit, .anchorMissing: certificates
    case .interfaceMissing, .interfaceDown, .interfaceWithoutAddress, .multicastLost, .groupNotJoined, .firewallDrops: lan
    case .secondResponder, .avahiMissing, .bluetoothdMissing, .workerDown, .workerLoop, .devicesFull: neighbours
    }
  }

  private func row(_ severity: Severity, _ meaning: String, _ affects: String, _ nextStep: String) -> ProblemFacts {
    ProblemFacts(severity: severity, meaning: meaning, affects: affects, nextStep: nextStep)
  }

  private var filesAndSettings: ProblemFacts {
    switch self {
    case .configurationMissing:
      row(.error, "the configuration file is not there or can't be read", "everything: pngwd does not start", "make the file; an empty one means all defaults")
    case .configurationWrong:
      row(.error, "the configuration file has errors", "everything: pngwd does not start", "mend the lines that are named")
    case .stateMissing: row(.error, "the state directory is not there", "everything: pngwd does not start", "make the directory, owned by the user of pngwd")
    case .keyExposed: row(.error, "a file with keys can be read by others", "the secrecy of the gateway's identity", "take the others' permission away")
    default:
      row(.error, "the state directory or a file in it is not pngwd's to read and write", "everything that must be kept", "give it back to the user of pngwd")
    }
  }

  private var reloading: ProblemFacts {
    switch self {
    case .configurationRefused:
      row(.warning, "the configuration was read again and is wrong", "nothing yet: what held before holds", "put the file right, then pngwctl config reload")
    case .configurationReverted:
      row(.warning, "the uplink did not come back with the new configuration", "nothing: what held before holds", "put the files right: pngwctl config diff")
    default: row(.notice, "some settings hold only after a restart", "those settings", "restart it: systemctl restart pngwd")
    }
  }

  private var theGateway: ProblemFacts {
    switch self {
    case .gatewayDown: row(.error, "pngwd does not run", "everything", "start it: systemctl start pngwd")
    case .gatewaySilent: row(.error, "pngwd runs and does not answer", "everything", "restart it: systemctl restart pngwd")
    case .portTaken: row(.error, "another program has a port that pngwd needs", "PNEs or media devices can't connect", "end that program, or set another port")
    default:
      row(.error, "the clock is wrong: it is before this software was built, or decades after", "certificates are refused, times are wrong", "set the clock")
    }
  }

  private var disk: ProblemFacts {
    switch self {
    case .diskFull: row(.error, "the state directory's disk is full", "nothing new is accepted: pairings, deliveries, usage", "free room on that disk")
    case .diskLow: row(.warning, "the state directory's disk is nearly full", "deliveries, soon everything", "free room on that disk")
    case .diskWorn: row(.warning, "the flash has used up most of its life", "everything, some day", "replace the disk, and restore the state directory")
    case .storeUnavailable: row(.error, "the database can't be written to", "nothing new is accepted", "see that the state directory's disk has room and is healthy")
    case .databaseDamaged: row(.error, "the database is damaged", "everything: pngwd does not start", "restore a backup, or move the database away and enrol again")
    case .databaseForeign: row(.error, "the database is another program's", "everything: pngwd does not start", "move that file away, or set state.directory")
    default: row(.error, "the database was written by a newer version", "everything: pngwd does not start", "install that version again")
    }
  }

  private var uplink: ProblemFacts {
    switch self {
    case .notEnrolled: row(.notice, "this gateway belongs to no CPNS Server", "what comes from the server", "pngwctl enrol CODE@HOST:PORT")
    case .uplinkDown: row(
        .warning, "the uplink is down", "what comes from the server; what is for it waits in the outbox", "see that the server is up and can be reached: pngwctl doctor")
    case .uplinkRefused: row(
        .warning, "the server refuses us, or we refuse it", "what comes from the server", "see that names, certificates and the clock are right: pngwctl doctor")
    case .identityInUse: row(
        .error, "another gateway uses this one's identity", "the uplink: each throws the other out",
        "end the other one; a copy of a state directory must not run beside its original")
    case .dnsFailed: row(.error, "the server's name has no address", "the uplink", "mend name resolution (/etc/resolv.conf)")
    case .noRoute: row(.error, "there is no route to the server", "the uplink", "mend the network: address, cable, default route")
    case .serverUnreachable: row(.error, "the server's port does not answer", "the uplink", "see that cpnsd runs there, and that no firewall is between")
    case .serverNotCPNS: row(.error, "what answers at the server's port is no CPNS Server", "the uplink", "set the right port in uplink.server")
    case .outboxFilling: row(.warning, "the outbox will fill the disk", "usage and results, when it is full", "bring the uplink back, or free room")
    default: row(.warning, "the server does not take a message", "what that message told", "compare the versions of pngwd and cpnsd")
    }
  }

  private var serverTrust: ProblemFacts {
    switch self {
    case .serverUntrusted: row(.error, "the server's certificate is not from our trust anchor", "the uplink", "see that it is the right server; enrol again when it was made anew")
    case .serverNameWrong: row(.error, "the server's certificate is for another name", "the uplink", "use one of its names, or give it this one (uplink.names in cpnsd.toml)")
    case .serverCertificateExpired: row(.error, "the server's certificate has expired", "the uplink", "restart cpnsd there: it renews its certificate at its start")
    case .serverCertificateEarly: row(.error, "the server's certificate is not valid yet", "the uplink", "set the clocks")
    default: row(.error, "the server refuses our certificate", "the uplink", "enrol again: pngwctl enrol CODE@HOST:PORT")
    }
  }

  private var certificates: ProblemFacts {
    switch self {
    case .certificateMissing: row(.error, "enrolled, and there is no certificate", "the uplink", "enrol again: pngwctl enrol CODE@HOST:PORT")
    case .certificateExpired: row(.error, "our certificate has expired", "the uplink", "enrol again: pngwctl enrol CODE@HOST:PORT")
    case .certificateExpiring: row(.warning, "a certificate ends soon", "the uplink, then", "renew it before")
    case .certificateEarly: row(.error, "our certificate is not valid yet", "the uplink", "set the clock")
    case .certificateNotRenewed:
      row(.warning, "our certificate was not renewed when it was time", "the uplink, some day", "see that the clocks are right; else enrol again")
    case .certificateUnfit: row(.error, "our certificate is for another key", "the uplink", "restore the key, or enrol again")
    default: row(.error, "there is no trust anchor", "the uplink: no server can be checked", "enrol again: pngwctl enrol CODE@HOST:PORT")
    }
  }

  private var lan: ProblemFacts {
    switch self {
    case .interfaceMissing: row(.error, "an interface that is configured is not there", "the devices behind it", "plug it in, or change proxy.interfaces")
    case .interfaceDown: row(.error, "an interface is down or has no cable", "the devices behind it", "put the cable in, or switch it on")
    case .interfaceWithoutAddress: row(.error, "an interface has no IPv4 address", "the devices behind it", "see to DHCP, or give it an address")
    case .multicastLost: row(.error, "multicast does not come back on an interface", "devices are not found there", "see to firewall and switch")
    case .groupNotJoined: row(.warning, "nobody listens for UPnP devices on an interface", "devices are not found there", "restart pngwd")
    default: row(.error, "a firewall rule here drops what devices send", "devices are not found or not served", "remove that rule, or accept before it")
    }
  }

  private var neighbours: ProblemFacts {
    switch self {
    case .secondResponder: row(.warning, "two mDNS responders share this machine", "PNEs may not find the gateway", "switch the other one's mDNS off")
    case .avahiMissing: row(.warning, "avahi-daemon does not run", "PNEs do not find the gateway by themselves", "start it: systemctl start avahi-daemon")
    case .bluetoothdMissing: row(.notice, "bluetoothd does not run", "Bluetooth devices", "start it: systemctl start bluetooth")
    case .workerDown: row(.warning, "the UPnP worker of an interface ended", "the devices behind it", "nothing: it is started again; see the log when it keeps ending")
    case .workerLoop: row(.error, "the UPnP worker of an interface keeps ending", "the devices behind it", "see why in its cause")
    default: row(.warning, "the inventory is full", "new devices", "remove devices that are gone: pngwctl pne remove")
    }
  }
}
