import Jenkins
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Times in Jenkins' payloads")
struct JenkinsTimeLawTests {
  private static let laws = PayloadTimeLaws(JenkinsSourceTests.source, durationUnitsPerSecond: 1000)

  @Test("No time that is absent or zero makes anything longer", arguments: JenkinsSourceTests.fixtures)
  func absentTimes(fixture: PayloadFixture) throws {
    try Self.laws.checkAbsentTimes(try JenkinsSourceTests.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: JenkinsSourceTests.fixtures)
  func replay(fixture: PayloadFixture) throws {
    try Self.laws.checkReplay(try JenkinsSourceTests.delivery(fixture))
  }
}
