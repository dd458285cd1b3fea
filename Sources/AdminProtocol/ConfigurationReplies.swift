/// `GET /v1/configuration`, and the answer to a reload.
package struct ConfigurationReply: Sendable, Hashable, Codable {
  /// A key whose value in the files is another than the one that holds.
  package struct Change: Sendable, Hashable, Codable {
    package enum Effect: String, Sendable, Hashable, Codable {
      /// `pngwctl config reload` is enough.
      case reload
      /// pngwd has to be started again.
      case restart
    }
    /// `table.key`
    package var key: String
    /// As TOML. What may be a secret is not shown.
    package var running: String
    package var file: String
    package var effect: Effect

    package init(key: String, running: String, file: String, effect: Effect) {
      self.key = key
      self.running = running
      self.file = file
      self.effect = effect
    }
  }

  package enum Trial: String, Sendable, Hashable, Codable {
    /// The uplink is waited for.
    case running
    /// It stands: the new values stay.
    case kept
    /// It did not come back in time: the old values hold again.
    case reverted
  }

  /// The configuration file; drop-ins are in `conf.d` beside it.
  package var file: String
  package var changes: [Change]
  /// What is wrong with the files; left out when nothing is.
  package var problem: String?
  /// Of the last reload that asked for one.
  package var trial: Trial?

  package init(file: String, changes: [Change], problem: String? = nil, trial: Trial? = nil) {
    self.file = file
    self.changes = changes
    self.problem = problem
    self.trial = trial
  }
}

/// `POST /v1/configuration/reload`. The body may be left out.
package struct ReloadRequest: Sendable, Hashable, Codable {
  /// An uplink that has not come back in an hour does not come back.
  package static let bounds: ClosedRange<Int64> = 1...3600

  /// How long the uplink may take to come back, in seconds, before the old values hold again; nil: they do not.
  package var trialSeconds: Int64?

  private enum CodingKeys: String, CodingKey { case trialSeconds = "trial_seconds" }

  package init(trialSeconds: Int64? = nil) { self.trialSeconds = trialSeconds }
}
