import ArgumentParser
import CPNSModel
import Configuration
import OpenSSLTLS
import SQLiteStore
import ServerCore

/// Works beside a running server.
struct ClaimCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "claim", abstract: "Let gateways enrol.", subcommands: [NewClaim.self, ListClaims.self])
}

struct NewClaim: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Print a claim code, which one gateway may use once: `pngwctl enrol CODE@HOST:PORT`.")

  @Option(help: "A name for the Personal Network that the gateway will serve.")
  var pn: String?
  @OptionGroup var configuration: ConfigurationOption

  func run() async throws {
    try await StartFailure.becomesExitStatus { () async throws(StartFailure) in
      let state = StateFolder(try ConfigurationReader.server(at: configuration.path).state.directory)
      let anchor = try state.anchor()
      let code = try await state.withStore { (store) async throws(ServerFailure) in
        try await ClaimMaking(store: store, secrets: SystemSecrets(), clock: .system).make(pnName: pn, fingerprint: anchor.fingerprint)
      }
      say(code, to: 1)
      say("It is good for one gateway and \(ServerBounds.claimDays) days.", to: 2)
    }
  }
}

struct ListClaims: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the claims, the newest first, without their codes.")
  /// More are cut off, and that is said.
  private static let most = 100

  @OptionGroup var configuration: ConfigurationOption

  func run() async throws {
    try await StartFailure.becomesExitStatus { () async throws(StartFailure) in
      let state = StateFolder(try ConfigurationReader.server(at: configuration.path).state.directory)
      _ = try state.anchor()
      let claims = try await state.withStore { (store) async throws(ServerFailure) in
        do throws(ServerStoreError) { return try await store.claims(ListPage(limit: Self.most)) } catch { throw .unavailable(error.words) }
      }
      for claim in claims.items { say(Self.line(claim, now: WallClock.system.now()), to: 1) }
      if claims.items.isEmpty { say("There are no claims: make one with `cpnsd claim new`.", to: 2) }
      if claims.next != nil { say("… and older ones", to: 2) }
    }
  }

  private static func line(_ claim: ClaimRecord, now: Timestamp) -> String {
    let pn = claim.pnName.map { ", for the PN \"\($0)\"" } ?? ""
    let fate: String
    if let spent = claim.spent {
      fate = "spent \(spent.at.iso8601) by \(spent.gateway)"
    } else if claim.made.milliseconds + ServerBounds.claimDays * 86_400_000 <= now.milliseconds {
      fate = "too old"
    } else {
      fate = "unspent"
    }
    // Of the hash, for telling two apart; the code can't be found from it.
    return "\(Hex.text(Array(claim.hash.prefix(4))))  made \(claim.made.iso8601)\(pn)  \(fate)"
  }
}
