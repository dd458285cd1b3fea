import CPNSModel
import CPNSSession

/// A staged content on its way to a PNE, while it may still be arriving here.
struct StagedSource: OutgoingSource {
  let stage: any StagedContent

  var size: UInt64? { stage.description.size }

  func bytes(at offset: UInt64, upTo count: Int) async throws(OutgoingError) -> [UInt8] {
    do throws(StageError) {
      let available = try await stage.waitForBytes(past: offset)
      return available > offset ? try await stage.read(at: offset, count: Int(min(UInt64(count), available - offset))) : []
    } catch {
      throw OutgoingError("\(error)")
    }
  }
}
