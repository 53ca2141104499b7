module docket.example/go-http

go 1.21
