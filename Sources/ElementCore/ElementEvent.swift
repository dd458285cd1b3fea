package import CPNSModel

/// Something that happened, for the person at the device.
package enum ElementEvent: Sendable, Equatable {
  /// A gateway that suits us was seen at an address where we have not tried it last.
  case found(name: String, address: String)
  /// The gateway's name.
  case paired(gateway: String)
  case registered(PNID)
  /// Size in bytes; nil: not known before the end.
  case receiving(name: String, size: UInt64?)
  case received(name: String, ReceivedContent)
  case notReceived(name: String, why: String)
  case linkLost(why: String)
  /// Of another entity of the PN, when ``ElementSettings/watchesNetwork`` is set.
  case status(EntityID, Availability, reason: String)
  /// It goes on by itself, but a person may want to know, or has to do something.
  case failed(String)
}

/// Why an element can't begin, or can't go on.
package enum ElementError: Error, Equatable, Sendable {
  case store(ElementStoreError)
  case inbox(InboxError)
  /// We have no key, and no pairing code was given.
  case notPaired
  /// The gateway did not take the pairing code. It is used up: a new one is needed.
  case pairingRefused(String)
}
