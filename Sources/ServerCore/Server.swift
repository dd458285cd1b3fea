import CPNSMessages
package import CPNSModel
package import CPNSSession
package import Logging

package struct ServerSettings: Sendable {
  /// For people.
  package var name: String
  /// The program with its version.
  package var software: String
  package var keepAlive: Duration

  package init(name: String, software: String, keepAlive: Duration = .seconds(Int64(Limits.silenceSeconds))) {
    self.name = name
    self.software = software
    self.keepAlive = keepAlive
  }
}

/// A CPNS Server (AD 5.3.1.1): its services, wired. `prepare` may fail; `run` is the whole life.
package struct Server: Sendable {
  package let id: EntityID
  package let settings: ServerSettings
  let ports: ServerPorts
  let links = GatewayLinks()
  let deliveries: DeliveryDesk
  let logger: Logger
  private let desks: Desks
  private let strangers = Strangers()
  private let local: LocalEntity

  /// Loads what was, and makes the server's identity at the first start.
  package static func prepare(settings: ServerSettings, ports: ServerPorts, logger: Logger) async throws(ServerFailure) -> Server {
    do throws(ServerStoreError) {
      let id = try await ports.store.identity()
      let server = Server(id, settings, ports, logger)
      let contents = try await server.contentIDs()
      do throws(ContentKeepingError) { try await ports.contents.keep(only: contents) } catch { throw ServerStoreError.unavailable("\(error)") }
      return server
    } catch {
      throw ServerFailure(error)
    }
  }

  private init(_ id: EntityID, _ settings: ServerSettings, _ ports: ServerPorts, _ logger: Logger) {
    self.id = id
    self.settings = settings
    self.ports = ports
    self.logger = logger
    deliveries = DeliveryDesk(store: ports.store, links: links, clock: ports.clock, logger: logger)
    desks = Desks(
      store: ports.store, enrolment: EnrolmentDesk(server: id, ports: ports, logger: logger),
      renewal: RenewalDesk(server: id, ports: ports, logger: logger),
      inventory: InventoryDesk(store: ports.store, logger: logger), deliveries: deliveries,
      usage: UsageDesk(store: ports.store, clock: ports.clock, logger: logger),
      directory: DirectoryDesk(server: id, store: ports.store, links: links, logger: logger), contents: ports.contents, logger: logger)
    local = LocalEntity(
      id: id, role: .server, modes: [.server], name: settings.name, software: settings.software,
      supportedKinds: Authorisation.kinds(understoodBy: .server), maxSilence: settings.keepAlive)
  }

  private func contentIDs() async throws(ServerStoreError) -> Set<ContentID> {
    var ids: Set<ContentID> = []
    var page = ListPage(limit: ServerBounds.page)
    while true {
      let contents = try await ports.store.contents(page)
      ids.formUnion(contents.items.map(\.description.id))
      guard let next = contents.next else { return ids }
      page.after = next
    }
  }

  // MARK: Life

  /// Runs until cancelled.
  /// - Parameter bound: called once, with the port, when gateways can connect.
  /// - Throws: when gateways can't be listened for.
  package func run(bound: @escaping @Sendable (_ port: Int) async -> Void) async throws(LinkError) {
    let keeping = Housekeeping(store: ports.store, deliveries: deliveries, clock: ports.clock, timer: ports.timer, logger: logger)
    let failure = await withTaskGroup(of: LinkError?.self) { group in
      group.addTask { await self.listen(bound) }
      group.addTask {
        await keeping.run()
        return nil
      }
      // Housekeeping ends with its task only.
      let first = await group.next() ?? nil
      group.cancelAll()
      return first
    }
    if let failure { throw failure }
  }

  private func listen(_ bound: @escaping @Sendable (Int) async -> Void) async -> LinkError? {
    do throws(LinkError) {
      try await ports.listener.serve(bound: bound, accept: { link in await self.converse(link) })
      return nil
    } catch {
      return error
    }
  }

  /// The whole life of one link.
  func converse(_ link: any Link) async {
    let outgoing = OutgoingContent(logger: logger)
    let handler = ServerHandler(desks: desks, outgoing: outgoing)
    let session = Session(link: link, local: local, handler: handler, logger: logger, clock: ports.timer)
    do throws(SessionError) {
      try await session.run { session, _ in
        if let gateway = handler.gateway {
          await self.serve(gateway, session, outgoing)
        } else {
          await self.strangers.host(session, timer: self.ports.timer)
        }
      }
    } catch {
      logger.info("link ended", metadata: ["address": "\(link.peer.address)", "why": "\(error.words)"])
    }
    if let gateway = handler.gateway, links.leave(gateway.id, session) {
      logger.info("gateway offline", metadata: ["gateway": "\(gateway.id)", "name": "\(gateway.name)"])
    }
  }

  private func serve(_ gateway: GatewayRecord, _ session: Session, _ outgoing: OutgoingContent) async {
    let (wakes, replaced) = links.enter(gateway.id, session)
    logger.info("gateway online", metadata: ["gateway": "\(gateway.id)", "name": "\(gateway.name)"])
    await replaced?.close()
    let offers = Offers(gateway: gateway, store: ports.store, deliveries: deliveries, timer: ports.timer, logger: logger)
    await withDiscardingTaskGroup { group in
      group.addTask { await outgoing.run(over: session) }
      group.addTask { await offers.run(over: session, wakes) }
    }
  }
}
