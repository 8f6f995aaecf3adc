import Jenkins
import Testing
import ValueStreamCore
import ValueStreamTesting

@Suite("Times in Jenkins' payloads")
struct JenkinsTimeLawTests {
  @Test("No time that is absent or zero makes anything longer", arguments: JenkinsSourceTests.fixtures)
  func absentTimes(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(JenkinsSourceTests.source).checkAbsentTimes(try JenkinsSourceTests.delivery(fixture))
  }

  @Test("Sent again after a year a payload becomes the same", arguments: JenkinsSourceTests.fixtures)
  func replay(fixture: PayloadFixture) throws {
    try PayloadTimeLaws(JenkinsSourceTests.source).checkReplay(try JenkinsSourceTests.delivery(fixture))
  }
}
