package import CPNSModel

/// `GET` and `DELETE /v1/pairing`: the window as it is now. It never holds the code.
package struct PairingReply: Sendable, Hashable, Codable {
  package var open: Bool
  package var expires: UTCTime?
  /// The PNE that has used the code and has not come back with its own key yet.
  package var claimedBy: EntityID?

  private enum CodingKeys: String, CodingKey {
    case open, expires
    case claimedBy = "claimed_by"
  }

  package init(open: Bool, expires: UTCTime? = nil, claimedBy: EntityID? = nil) {
    self.open = open
    self.expires = expires
    self.claimedBy = claimedBy
  }
}

/// `POST /v1/pairing`: the code, shown this once.
package struct PairingOpenedReply: Sendable, Hashable, Codable {
  /// For people: eight groups of four.
  package var code: String
  /// The same for a QR code.
  package var uri: String
  package var expires: UTCTime

  package init(code: String, uri: String, expires: UTCTime) {
    self.code = code
    self.uri = uri
    self.expires = expires
  }
}

/// `POST /v1/enrolment`
package struct EnrolmentReply: Sendable, Hashable, Codable {
  package var pnID: PNID
  package var serverID: EntityID

  private enum CodingKeys: String, CodingKey {
    case pnID = "pn_id"
    case serverID = "server_id"
  }

  package init(pnID: PNID, serverID: EntityID) {
    self.pnID = pnID
    self.serverID = serverID
  }
}
