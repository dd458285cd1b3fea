import FoundationEssentials

/// What the supervisor tells a worker.
package struct WorkerCommand: Hashable, Sendable, Codable {
  package enum Order: Hashable, Sendable, Codable {
    case perform(MediaCommand, on: UDN)
    /// Answered with `.done` at once: shows that the worker still turns.
    case ping
  }

  /// Rises with each command.
  package var id: UInt64
  package var order: Order

  package init(id: UInt64, order: Order) {
    self.id = id
    self.order = order
  }
}

/// What a worker tells its supervisor.
package enum WorkerMessage: Hashable, Sendable, Codable {
  /// It listens, from this address of ours.
  case ready(address: String)
  case reply(UInt64, MediaReply)
  case failed(UInt64, MediaError)
  case event(MediaDeviceEvent)
}

/// Frames between supervisor and worker: 4 bytes length, big-endian, then JSON.
package enum WorkerFrame {
  /// Largest JSON in a frame: a page of a ContentDirectory (64 kB of DIDL-Lite) as JSON, with room for escapes.
  package static let longest = 512 << 10

  package static func encode(_ value: some Encodable) throws(WorkerFrameError) -> [UInt8] {
    let data: Data
    do { data = try JSONEncoder().encode(value) } catch { throw .unreadable }
    guard data.count <= longest else { throw .tooLong(data.count) }
    let length = UInt32(data.count)
    return [UInt8(length >> 24), UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF)] + data
  }
}

package enum WorkerFrameError: Error, Hashable, Sendable, CustomStringConvertible {
  case tooLong(Int)
  /// Not the JSON of the expected value.
  case unreadable

  package var description: String {
    switch self {
    case .tooLong(let bytes): "a frame of \(bytes) bytes, and \(WorkerFrame.longest) are the most"
    case .unreadable: "a frame that is no message"
    }
  }
}

/// Takes bytes as they arrive and gives whole values.
package struct WorkerFrameDecoder<Value: Decodable>: Sendable {
  private var buffer: [UInt8] = []

  package init() {}

  package mutating func push(_ bytes: some Collection<UInt8>) { buffer += bytes }

  /// - Returns: the next value, or nil when more bytes are needed.
  package mutating func next() throws(WorkerFrameError) -> Value? {
    guard buffer.count >= 4 else { return nil }
    let length = buffer.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    guard length <= WorkerFrame.longest else { throw .tooLong(length) }
    guard buffer.count >= 4 + length else { return nil }
    defer { buffer.removeFirst(4 + length) }
    do { return try JSONDecoder().decode(Value.self, from: Data(buffer[4..<4 + length])) } catch { throw .unreadable }
  }
}
