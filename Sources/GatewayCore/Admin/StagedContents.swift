import CPNSModel

/// Contents that an administrator has staged, until they are named in a delivery.
///
/// They are remembered, not held: one that is never pushed is evicted when the content quota needs its room, and those
/// above ``most`` are removed, the oldest first. After a restart only their files are left, which go the same way.
actor StagedContents {
  /// A person pushes one file at a time; a script may stage a few before.
  static let most = 32

  private let stages: any ContentStage
  private var known: [ContentDescription] = []

  init(stages: any ContentStage) { self.stages = stages }

  /// - Throws: what the stage or `bytes` throws; nothing is left of the content then.
  /// - Returns: the content with its size and SHA-256.
  func stage(_ content: ContentDescription, from bytes: some AsyncSequence<[UInt8], any Error> & Sendable) async throws -> ContentDescription {
    var whole = content
    do {
      let stage = try await stages.open(content)
      for try await piece in bytes { try await stage.append(piece, at: stage.available) }
      whole.sha256 = try await stage.finish()
      whole.size = stage.available
    } catch {
      await stages.remove(content.id)
      throw error
    }
    await remember(whole)
    return whole
  }

  private func remember(_ content: ContentDescription) async {
    known.append(content)
    guard known.count > Self.most else { return }
    await stages.remove(known.removeFirst().id)
  }

  /// The content and its stage; nil when it was never staged here, or is not whole any more.
  func take(_ id: ContentID) async throws(StageError) -> (ContentDescription, any StagedContent)? {
    guard let content = known.first(where: { $0.id == id }) else { return nil }
    let stage = try await stages.open(content)
    if stage.isWhole { return (content, stage) }
    known.removeAll { $0.id == id }
    return nil
  }
}
