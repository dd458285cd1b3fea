/// `GET /v1/pnes/{id}/explanation`, `GET /v1/deliveries/{id}/explanation`: why something is as it is.
package struct ExplanationReply: Sendable, Hashable, Codable {
  package struct Cause: Sendable, Hashable, Codable {
    /// nil: it holds now.
    package var at: UTCTime?
    package var text: String

    package init(at: UTCTime?, text: String) {
      self.at = at
      self.text = text
    }
  }
  package var subject: String
  package var name: String
  /// How it is, in one sentence.
  package var state: String
  /// The chain: each because of the next ones, the newest first.
  package var because: [Cause]
  /// What helps; nil when nothing has to.
  package var nextStep: String?
  /// Before this the gateway remembers only what is on disk.
  package var rememberedSince: UTCTime

  private enum CodingKeys: String, CodingKey {
    case subject, name, state, because
    case nextStep = "next_step"
    case rememberedSince = "remembered_since"
  }

  package init(subject: String, name: String, state: String, because: [Cause], nextStep: String?, rememberedSince: UTCTime) {
    self.subject = subject
    self.name = name
    self.state = state
    self.because = because
    self.nextStep = nextStep
    self.rememberedSince = rememberedSince
  }
}

/// `GET /v1/events/past`
package struct EventListReply: Sendable, Hashable, Codable {
  package var events: [EventReply]

  package init(events: [EventReply]) { self.events = events }
}

/// `GET /v1/audit`: who changed what, the newest first.
package struct AuditReply: Sendable, Hashable, Codable {
  package var entries: [AuditEntry]

  package init(entries: [AuditEntry]) { self.entries = entries }
}

/// Something that an administrator did, or tried and could not. Holds no code and no key.
package struct AuditEntry: Sendable, Hashable, Codable {
  package var at: UTCTime
  /// By its name in ``AdminOperation``.
  package var operation: String
  /// What it was done to.
  package var subject: String
  /// As the kernel says.
  package var user: UInt32
  package var process: Int32
  /// `done`, or the code of the refusal.
  package var outcome: String

  package init(at: UTCTime, operation: String, subject: String, user: UInt32, process: Int32, outcome: String) {
    self.at = at
    self.operation = operation
    self.subject = subject
    self.user = user
    self.process = process
    self.outcome = outcome
  }
}
