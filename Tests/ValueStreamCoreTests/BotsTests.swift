import Testing
import ValueStreamCore

@Suite("Programs and drafts")
struct BotsTests {
  @Test(
    "Which accounts are programs",
    arguments: [
      ("renovate[bot]", nil, true), ("rosa", "Bot", true), ("rosa", "User", false), ("rosa", nil, false), (nil, nil, false),
      ("project_12_bot_3f1c", nil, true), ("group_7_bot", nil, true), ("project_12_bottle", nil, false),
      ("project_x_bot_1", nil, false),
      ("harbour-ci", nil, true), ("abbot", nil, false),
    ] as [(String?, String?, Bool)])
  func bots(name: String?, type: String?, isBot: Bool) {
    #expect(Bots(names: [NamePattern("harbour-*")]).isBot(name, type: type) == isBot)
  }

  @Test("Time as a draft: stretches that overlap count once, and only between both moments")
  func drafts() {
    func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds) }
    func seconds(_ stretches: [(Int64, Int64?)]) -> Double {
      DraftTime.seconds(stretches.map { (time($0.0), $0.1.map(time)) }, from: time(100), to: time(200))
    }
    #expect(seconds([]) == 0)
    #expect(seconds([(100, 130)]) == 30)
    #expect(seconds([(50, 130), (120, 140), (190, nil)]) == 50)
    #expect(seconds([(190, nil), (50, 130)]) == 40)
    #expect(seconds([(10, 20), (300, 400), (150, 150)]) == 0)
  }
}
