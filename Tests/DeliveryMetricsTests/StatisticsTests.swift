import DeliveryMetrics
import Testing

@Suite struct StatisticsTests {
  @Test("The median is the midpoint of the two middle values")
  func median() {
    #expect(Statistics.median(of: []) == nil)
    #expect(Statistics.median(of: [3]) == 3)
    #expect(Statistics.median(of: [4, 1]) == 2.5)
  }
}
