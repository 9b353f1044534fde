# A claim-frequency model in R: Poisson, log link, log(Holders) as exposure.
# Rscript examples/glm/fit.R > coefficients.csv
# Needs broom (Debian: r-base-core, r-cran-broom).

options(contrasts = c("contr.treatment", "contr.treatment"))

folder <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
insurance <- read.csv(file.path(folder, "insurance.csv"))
for (name in c("District", "Group", "Age")) {
  # In the order of the file, so that the first level is the base.
  insurance[[name]] <- factor(insurance[[name]], levels = unique(insurance[[name]]))
}

model <- glm(Claims ~ District + Group + Age + offset(log(Holders)),
             family = poisson, data = insurance)
write.csv(broom::tidy(model), row.names = FALSE)
message("residual deviance ", format(deviance(model), digits = 8), " on ", df.residual(model), " df")
