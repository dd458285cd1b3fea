import Testing

@Suite struct MemoryServerStoreTests {
  private let contract = ServerStoreContract(store: MemoryServerStore())

  @Test func claimsAreSpentOnce() async throws { try await contract.claimsAreSpentOnce() }
  @Test func aConditionThatDoesNotHoldChangesNothing() async throws { try await contract.aConditionThatDoesNotHoldChangesNothing() }
  @Test func entriesAndTheirServicesFollowTheInventory() async throws { try await contract.entriesAndTheirServicesFollowTheInventory() }
  @Test func applicationsServicesAreApartFromThoseOfPNEs() async throws { try await contract.applicationsServicesAreApartFromThoseOfPNEs() }
  @Test func deliveriesEndOnce() async throws { try await contract.deliveriesEndOnce() }
  @Test func overdueDeliveriesAreFound() async throws { try await contract.overdueDeliveriesAreFound() }
  @Test func usageCountsOnce() async throws { try await contract.usageCountsOnce() }
  @Test func listsComeInPages() async throws { try await contract.listsComeInPages() }
}
