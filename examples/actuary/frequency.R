# Two frequency models: Poisson, log link, the exposure as an offset.
#
#   Rscript examples/actuary/frequency.R sql parking > coefficients.csv
#     claims a year of cover by a rating fact, over the view analytics.exposure (ANALYTICS_URL)
#   Rscript examples/actuary/frequency.R csv
#     harsh braking a kilometre by night and length of the trip, over the CSV export
#     (ODOGRAPH_URL, ODOGRAPH_TOKEN of an INSURER or an ACTUARY with microdata)
#
# Needs for sql DBI with RPostgres or RPostgreSQL (Debian: r-cran-dbi, r-cran-rpostgresql), for csv nothing.

read_exposure <- function(fact) {
  driver <- if (requireNamespace("RPostgres", quietly = TRUE)) RPostgres::Postgres() else RPostgreSQL::PostgreSQL()
  connection <- DBI::dbConnect(driver, dbname = Sys.getenv("ANALYTICS_URL"))
  on.exit(DBI::dbDisconnect(connection))
  DBI::dbGetQuery(connection, paste("
    select facts ->>", DBI::dbQuoteString(connection, fact), "as fact, years::float8 as years, claims
    from analytics.exposure where years > 0"))
}

read_trips <- function() {
  file <- tempfile(fileext = ".csv")
  on.exit(unlink(file))
  base <- Sys.getenv("ODOGRAPH_URL", "http://127.0.0.1:4000")
  download.file(paste0(base, "/export/trips.csv?status=CLOSED"), file, method = "libcurl", quiet = TRUE,
                headers = c(Authorization = paste("Bearer", Sys.getenv("ODOGRAPH_TOKEN"))))
  read.csv(file, na.strings = "")
}

# The level with the most exposure is the base, so that relativities rest on as much as there is.
with_base <- function(values, exposure) {
  relevel(factor(values), ref = names(which.max(tapply(exposure, values, sum))))
}

tell <- function(model, factors) {
  for (name in factors) message("base of ", name, ": ", levels(model$model[[name]])[1])
  pearson <- sum(residuals(model, type = "pearson")^2) / df.residual(model)
  message(nobs(model), " rows, residual deviance ", format(deviance(model), digits = 8), " on ",
          df.residual(model), " df, dispersion ", format(pearson, digits = 4))
  table <- data.frame(term = names(coef(model)), coef(summary(model)), check.names = FALSE)
  names(table) <- c("term", "estimate", "std.error", "statistic", "p.value")
  write.csv(table, row.names = FALSE)
}

arguments <- commandArgs(TRUE)
if (length(arguments) == 2 && arguments[1] == "sql") {
  everything <- read_exposure(arguments[2])
  exposure <- subset(everything, !is.na(fact))
  message(round(sum(everything$years) - sum(exposure$years), 2), " years without ", arguments[2], " left out")
  none <- names(which(tapply(exposure$claims, exposure$fact, sum) == 0))
  if (length(none) > 0) message("no claims, so no relativity: ", toString(none))
  # The term is named after the fact, which is what `odograph import --factor` asks for.
  exposure[[arguments[2]]] <- with_base(exposure$fact, exposure$years)
  tell(glm(reformulate(c(arguments[2], "offset(log(years))"), "claims"), family = poisson, data = exposure),
       arguments[2])
} else if (length(arguments) == 1 && arguments[1] == "csv") {
  trips <- subset(read_trips(), distance_km > 0)
  # GPS and accelerometer often see the same braking: the one that saw more counts.
  trips$braking <- pmax(trips$harsh_braking_gps, trips$harsh_braking_accelerometer)
  trips$hours <- with_base(ifelse(trips$night_km > trips$distance_km / 2, "night", "day"), trips$distance_km)
  trips$length <- with_base(as.character(cut(trips$distance_km, c(0, 5, 20, Inf), c("short", "middle", "long"))),
                            trips$distance_km)
  tell(glm(braking ~ hours + length + offset(log(distance_km)), family = poisson, data = trips), c("hours", "length"))
} else {
  message("usage: frequency.R sql <rating fact> | frequency.R csv")
  quit(status = 2)
}
