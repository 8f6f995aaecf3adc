import DeliveryMetrics
import ValueStreamCore

/// What people ask, each question with a link to the page that answers it.
struct QuestionList {
  private let page: MetricContext

  init(_ page: MetricContext) {
    self.page = page
  }

  /// The page of yesterday's deploys to production.
  static func yesterday(_ now: Timestamp) -> Address {
    let today = Timestamp(seconds: now.seconds / 86_400 * 86_400)
    var state = PageState()
    state.isProduction = true
    state.window = .init(from: today.advanced(bySeconds: -86_400), to: today)
    return state.address(Address("deploys"))
  }

  private var questions: [(text: String, address: Address)] {
    func section(_ section: PageFrame.Section) -> Address { page.question.kept.address(section.address) }
    let today = page.now.seconds / 86_400
    let week = page.question.kept.with { state in
      state.window = .init(from: Timestamp(seconds: (today - 7) * 86_400), to: nil)
      state.comparison = nil
    }
    return [
      ("How often do we deploy?", page.door(DORAMetric.deploymentFrequency.rawValue)),
      ("How long are issues open?", section(.flow)),
      ("How long do builds take?", section(.pipelines)),
      ("How long do pull requests take, by repository?", section(.reviews)),
      ("Where does the time go between idea and production?", section(.leadTime)),
      ("What was in yesterday’s production deploys?", Self.yesterday(page.now)),
      ("What broke, what fixed it, how long did it take?", section(.incidents)),
      ("What is stuck, and which review waits longest?", section(.ageing)),
      ("Which job is slowest, and which fails most?", section(.pipelines)),
      ("Is it better than last week?", week.address(page.address)),
      ("When will it be done?", section(.forecast)),
    ]
  }

  func write(to html: inout HTMLWriter) {
    html.element(.section) { html in
      html.sectionHeading("Questions")
      html.element(.ul, .classes("links in-columns")) { html in
        for question in questions {
          html.element(.li) { html in html.element(.a, .href(question.address), text: question.text) }
        }
      }
    }
  }
}
