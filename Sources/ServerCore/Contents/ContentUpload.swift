import CPNSModel
import Logging

/// A content that an application is sending.
package struct ContentUpload: Sendable {
  let server: Server
  let name: String
  let mediaType: String
  let arriving: any ArrivingContent

  package func append(_ bytes: [UInt8]) async throws(ServerFailure) {
    do throws(ContentKeepingError) { try await arriving.append(bytes) } catch { throw ServerFailure(error) }
  }

  /// The file is on disk first, then the record that tells of it: a crash in between leaves a file that the next start removes.
  package func finish() async throws(ServerFailure) -> ContentRecord {
    let id = ContentID.random()
    let (size, sha256): (UInt64, [UInt8])
    do throws(ContentKeepingError) { (size, sha256) = try await arriving.finish(as: id) } catch { throw ServerFailure(error) }
    let record = ContentRecord(
      description: ContentDescription(id: id, name: name, mediaType: mediaType, size: size, sha256: sha256), made: server.ports.clock.now())
    do throws(ServerFailure) {
      try await server.commit([.require(.contents(below: ServerBounds.contents)), .putContent(record)])
    } catch {
      await server.ports.contents.remove(id)
      throw error
    }
    server.logger.info("content stored", metadata: ["content": "\(id)", "bytes": "\(size)"])
    return record
  }

  package func abandon() async { await arriving.abandon() }
}
