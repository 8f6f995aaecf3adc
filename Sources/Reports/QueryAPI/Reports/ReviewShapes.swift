import DeliveryMetrics
import ValueStreamCore

/// Reviews as answers have them.
enum ReviewShapes {
  typealias Value = ReviewsReport.Value

  static let merged = MetricShape<Value>(
    "merged", "Merged changes by people.",
    fields: [.integer("count", "Merged in the window.", isCompared: true) { $0.merged }]
  ) { $0.population }

  static let firstResponse = MetricShape<Value>(
    "first_response", "From ready for review to the first response by a person other than the author.",
    fields: ReportField.durations(of: { $0.firstResponse })
  ) { $0.firstResponse.population }

  static let readyToMerge = MetricShape<Value>(
    "ready_to_merge", "From ready for review to the merge.", fields: ReportField.durations(of: { $0.readyToMerge })
  ) { $0.readyToMerge.population }

  static let waitingForReviewer = MetricShape<Value>(
    "waiting_for_reviewer", "Time in which the next step was up to a reviewer.",
    fields: ReportField.durations(of: { $0.waitingForReviewer })
  ) { $0.waitingForReviewer.population }

  static let waitingForAuthor = MetricShape<Value>(
    "waiting_for_author", "Time in which the next step was up to the author.",
    fields: ReportField.durations(of: { $0.waitingForAuthor })
  ) { $0.waitingForAuthor.population }

  static let unreviewed = MetricShape<Value>(
    "unreviewed", "Changes that were merged without an approval or any other response by a person.",
    fields: [
      .integer("count", "How many.", isCompared: true) { $0.unreviewed },
      .number("ratio", "By all merged changes.", isCompared: true) { $0.unreviewedShare },
    ]
  ) { Population(n: $0.unreviewed) }

  static let rounds = MetricShape<Value>(
    "rounds", "Rounds of a blocking review and a commit after it.",
    fields: [.number("average", "The mean of reviewed changes.", isCompared: true) { $0.averageRounds }],
    counts: [
      MetricShape.CountsByLabel(name: "by_rounds", label: "rounds", labels: roundNames) { value in
        zip(roundNames, value.rounds).map { ($0, $1) }
      }
    ]
  ) { $0.population }

  private static let roundNames = ["0", "1", "2", "3_or_more"]

  private static let shapes = [
    merged, firstResponse, readyToMerge, waitingForReviewer, waitingForAuthor, unreviewed, rounds,
  ]
  static let members = shapes.map(\.member)
  static let columns = shapes.map { MetricColumns($0) }

  static func cells(_ group: ReviewsReport.Group, evidence: (String) -> String?) -> [MetricCells] {
    shapes.map { shape in
      shape.cells(
        group.current, previous: group.previous, evidence: evidence(shape.name == rounds.name ? merged.name : shape.name))
    }
  }

  static let sizes = ReportRows<ReviewsReport.Size>(
    [
      .text("size_class", "Added plus removed lines. Null if unknown.", choices: SizeClass.allCases.map(\.rawValue)) {
        $0.sizeClass?.rawValue
      },
      .integer("count", "Merged changes.") { $0.count },
      .integer("unreviewed", "Merged without review.") { $0.unreviewed },
    ] + ReportField.durations(of: { $0.readyToMerge }, prefix: "ready_to_merge_")
      + ReportField.durations(of: { $0.firstResponse }, prefix: "first_response_"))

  static let bucketMerged = MetricShape<ReviewsReport.Bucket>(
    "merged", "Merged changes by people.", fields: [.integer("count", "Merged in the bucket.") { $0.merged }]
  ) { Population(n: $0.merged) }

  static let bucketFirstResponse = MetricShape<ReviewsReport.Bucket>(
    "first_response", "From ready for review to the first response.", fields: ReportField.durations(of: { $0.firstResponse })
  ) { $0.firstResponse.population }

  static let bucketUnreviewed = MetricShape<ReviewsReport.Bucket>(
    "unreviewed", "Changes that were merged without review.", fields: [.integer("count", "How many.") { $0.unreviewed }]
  ) { Population(n: $0.unreviewed) }

  static let bucketShapes = [bucketMerged, bucketFirstResponse, bucketUnreviewed]
}
