# A node in a container: one static program, nothing else, not root.
#
#	docker build -t iris .
#	docker run --rm -v ./node.yaml:/etc/iris/node.yaml:ro iris
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/iris ./cmd/iris
# An empty folder for the key; a volume mounted there takes its owner and mode.
RUN mkdir -m 0700 -p /out/var/lib/iris

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/iris /iris
COPY --from=build --chown=65532:65532 --chmod=0700 /out/var/lib/iris /var/lib/iris
USER 65532:65532
WORKDIR /var/lib/iris
# Links, where listen is :7000, and tunnels, where tunnels.listen is 7001.
EXPOSE 7000/udp 7001/udp
STOPSIGNAL SIGTERM
# The admin endpoint on the loopback interface of the container.
HEALTHCHECK --interval=10s --timeout=6s --start-period=15s CMD ["/iris", "status", "--timeout", "5s"]
ENTRYPOINT ["/iris"]
CMD ["node", "-c", "/etc/iris/node.yaml"]
